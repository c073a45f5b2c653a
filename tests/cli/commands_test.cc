#include "cli/commands.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "support/folder.h"
#include "support/packets.h"
#include "support/printed.h"

namespace portsplit::cli {
namespace {

/// A configuration file that is gone after the test.
class Command : public testing::Test {
  protected:
    void write(const std::string& text) const { std::ofstream(file()) << text; }
    std::string file() const { return folder_ / "a.conf"; }

    const Folder folder_;
};

using CheckCommand = Command;
using ConvertCommand = Command;
using ExplainCommand = Command;
using TestCommand = Command;

constexpr const char* kServices =
    "[web]\nstring = GET\nconnect = 192.0.2.1:80\n"
    "[fallback]\nconnect = 192.0.2.2:81\n"
    "[timeout]\nconnect = 192.0.2.2:81\n";

TEST_F(CheckCommand, Returns0ForAFileThatCanBeServed) {
    write(std::string("bind = 127.0.0.1:8443\n") + kServices);
    EXPECT_EQ(printed_by([&] { return check(file(), false, {}); }),
              (Printed{0, file() + ": can be served (errors: 0, warnings: 0)\n", ""}));
}

TEST_F(CheckCommand, Returns78AfterEachErrorOfTheFile) {
    write(std::string("bind = 127.0.0.1:8443\nbond = 1\n") + kServices);
    const Printed printed = printed_by([&] { return check(file(), false, {}); });
    EXPECT_EQ(printed.code, 78);
    EXPECT_EQ(printed.out, file() + ": cannot be served (errors: 1, warnings: 0)\n");
    EXPECT_TRUE(printed.err.starts_with(file() + ":2: unknown key bond")) << printed.err;
}

TEST_F(CheckCommand, NeedsNoBindForASuperServer) {
    write(kServices);
    EXPECT_EQ(printed_by([&] { return check(file(), false, {}); }).code, 78);
    EXPECT_EQ(printed_by([&] { return check(file(), true, {}); }).code, 0);
}

TEST_F(CheckCommand, NeitherPrintsNorCountsASilencedWarning) {
    write("[web]\nstring = GET\nstring = GET\nexec = no-such-program\n");
    const Printed all = printed_by([&] { return check(file(), true, {}); });
    const std::size_t begin = all.err.rfind('[', all.err.find("]\n"));
    const std::string name = all.err.substr(begin + 1, all.err.find("]\n") - begin - 1);
    const Printed some = printed_by([&] { return check(file(), true, {name}); });
    EXPECT_NE(all.err.find("[" + name + "]"), std::string::npos) << all.err;
    EXPECT_EQ(some.err.find("[" + name + "]"), std::string::npos) << some.err;
    EXPECT_NE(all.out, some.out);
}

TEST_F(CheckCommand, Returns64ForASilencedNameThatNoWarningHas) {
    write(kServices);
    const Printed printed = printed_by([&] { return check(file(), true, {"wait"}); });
    EXPECT_EQ(printed.code, 64);
    EXPECT_EQ(printed.out, "");
    EXPECT_TRUE(printed.err.starts_with("portsplit: --silence wait: no such warning; there are "))
        << printed.err;
}

TEST_F(CheckCommand, Returns78WhenTheFileCannotBeRead) {
    EXPECT_EQ(
        printed_by([&] { return check(file(), true, {}); }),
        (Printed{78, "", "portsplit: cannot read " + file() + ": No such file or directory\n"}));
}

TEST_F(ConvertCommand, PrintsTheOtherSpellingByDefault) {
    write("[web]\nstring = GET\nconnect = 192.0.2.1:80\n");
    const Printed libconfig = printed_by([&] { return convert(file(), ""); });
    EXPECT_EQ(libconfig.code, 0);
    EXPECT_EQ(libconfig, printed_by([&] { return convert(file(), "libconfig"); }));
    write(libconfig.out);
    const Printed classic = printed_by([&] { return convert(file(), ""); });
    EXPECT_EQ(classic, printed_by([&] { return convert(file(), "classic"); }));
    EXPECT_NE(classic.out.find("[web]\n"), std::string::npos) << classic.out;
    EXPECT_NE(classic.out, libconfig.out);
}

TEST_F(ConvertCommand, Returns78AfterTheErrorsOfTheFile) {
    write(std::string(kServices) + "strong = GET\n");
    EXPECT_EQ(printed_by([&] { return convert(file(), ""); }),
              (Printed{78, "", file() + ":8: unknown key strong; did you mean string?\n"}));
}

TEST_F(ConvertCommand, PrintsWarningsWithoutTheirNames) {
    write(std::string("timeout = 0\n") + kServices);
    const Printed printed = printed_by([&] { return convert(file(), ""); });
    EXPECT_EQ(printed.code, 0);
    EXPECT_TRUE(printed.err.starts_with(file() + ":1: warning: timeout = 0: ")) << printed.err;
    EXPECT_EQ(printed.err.find("no-deadline"), std::string::npos) << printed.err;
}

TEST_F(ExplainCommand, PrintsTheDecisionAboutTheText) {
    write(kServices);
    const Printed printed = printed_by([&] { return explain(file(), {.text = "GET\\20/"}); });
    EXPECT_EQ(printed.code, 0);
    EXPECT_EQ(printed.err, "");
    EXPECT_EQ(printed.out,
              "service=web reason=match bytes=3 action=connect target=192.0.2.1:80\n"
              "bytes seen: 5\n"
              "    47 45 54 20 2f\n"
              "    GET /\n"
              "web  match    at byte 3\n"
              "     match    at byte 3     string \"GET\"\n");
}

TEST_F(ExplainCommand, DecidesAsAtTheDeadlineWhenFinal) {
    write(kServices);
    const auto first_word = [&](bool final) {
        const Printed printed =
            printed_by([&] { return explain(file(), {.text = "G", .final = final}); });
        return printed.out.substr(0, printed.out.find(' '));
    };
    EXPECT_EQ(first_word(false), "service=-");
    EXPECT_EQ(first_word(true), "service=timeout");
}

TEST_F(ExplainCommand, Returns64ForBytesThatAreNotHex) {
    write(kServices);
    EXPECT_EQ(printed_by([&] { return explain(file(), {.hex = "1?"}); }),
              (Printed{64, "", "portsplit: --hex: ? and ranges are for patterns only\n"}));
}

TEST_F(ExplainCommand, Returns64AfterTheStreamsOfACaptureWithoutAnEnd) {
    write(kServices);
    const std::string capture = folder_ / "capture";
    const std::string syn = ipv4(tcp({.sequence = 999, .flags = kSyn}));
    const auto size = static_cast<std::uint32_t>(syn.size());
    std::ofstream(capture, std::ios::binary)
        << number(0xA1B2C3D4, 4) << number(0x00020004, 4) << number(0, 4) << number(0, 4)
        << number(65535, 4) << number(101, 4)  // pcap-savefile(5), raw IP
        << number(0, 4) << number(0, 4) << number(size, 4) << number(size, 4) << syn << "cut";
    const Printed printed = printed_by([&] { return explain(file(), {.capture = capture}); });
    EXPECT_EQ(printed.code, 64);
    EXPECT_EQ(printed.out,
              "service=- reason=undecided src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "bytes=0\n");
    EXPECT_TRUE(printed.err.starts_with("portsplit: cannot read the rest of " + capture + ": "))
        << printed.err;
}

TEST_F(ExplainCommand, NamesTheOrderOfACaptureAndAConfigurationThatAreSwapped) {
    write(kServices);
    const std::string capture = folder_ / "capture";
    std::ofstream(capture, std::ios::binary) << number(0xA1B2C3D4, 4) << number(0x00020004, 4);
    EXPECT_EQ(printed_by([&] { return explain(capture, {.capture = file()}); }),
              (Printed{78, "",
                       "portsplit: " + capture +
                           ": a capture, not a configuration; write portsplit explain --pcap " +
                           capture + " " + file() + "\n"}));
}

TEST_F(TestCommand, PrintsTheCasesThatAreNotAsExpected) {
    write(kServices);
    const std::string cases = folder_ / "a.cases";
    std::ofstream(cases) << "[a request]\nstring = GET /\nservice = web\n"
                            "[silence]\nservice = fallback\n";
    EXPECT_EQ(printed_by([&] { return test(file(), cases, false); }),
              (Printed{1,
                       cases + ":4: silence: expected service=fallback, got service=timeout "
                               "reason=timeout certain=0\n2 cases: 1 as expected, 1 not\n",
                       ""}));
    std::ofstream(cases) << "[silence]\nservice = timeout\n";
    EXPECT_EQ(printed_by([&] { return test(file(), cases, false); }),
              (Printed{0, "1 case: 1 as expected, 0 not\n", ""}));
    EXPECT_EQ(printed_by([&] { return test(file(), cases, true); }),
              (Printed{0, "TAP version 13\n1..1\nok 1 - silence\n", ""}));
}

TEST_F(TestCommand, Returns78WhenAFileCannotBeUsed) {
    const std::string cases = folder_ / "a.cases";
    write(kServices);
    EXPECT_EQ(
        printed_by([&] { return test(file(), cases, false); }),
        (Printed{78, "", "portsplit: cannot read " + cases + ": No such file or directory\n"}));
    std::ofstream(cases) << "[a]\nservice = x\n";
    EXPECT_EQ(printed_by([&] { return test(file(), cases, false); }),
              (Printed{78, "",
                       cases + ":2: service = x: the configuration has no such service; write web, "
                               "fallback, timeout or -\n"}));
    write("[web]\n");
    EXPECT_EQ(printed_by([&] { return test(file(), cases, false); }).code, 78);
}

TEST_F(TestCommand, NamesTheOrderOfItsFilesWhenTheyAreSwapped) {
    const std::string cases = folder_ / "a.cases";
    write(kServices);
    std::ofstream(cases) << "[a request]\nstring = GET /\nservice = web\n";
    EXPECT_EQ(printed_by([&] { return test(cases, file(), false); }),
              (Printed{78, "",
                       "portsplit: " + cases +
                           ": a file of cases, not a configuration; write "
                           "portsplit test " +
                           file() + " " + cases + "\n"}));
}

}  // namespace
}  // namespace portsplit::cli
