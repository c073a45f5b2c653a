#include "cli/explanation_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "core/bytes.h"
#include "core/entrance.h"
#include "core/explanation.h"
#include "core/ip_address.h"
#include "core/model.h"
#include "core/plan.h"
#include "core/verdict.h"

namespace portsplit::cli {
namespace {

core::Exec exec(const std::string& program) {
    core::Exec exec;
    exec.program = program;
    return exec;
}

/// Services ssh (exec) and web (connect, two patterns), and a fallback.
core::Config config() {
    core::Config config;
    config.services.push_back({"ssh", {{core::PatternKind::String, "SSH-"}}, exec("/bin/sshd")});
    config.services.push_back(
        {"web",
         {{core::PatternKind::String, "GET "}, {core::PatternKind::Regex, "P(OS|U)T "}},
         core::Connect{{{"192.0.2.1", 80}}}});
    config.services.push_back({core::kFallback, {}, core::Connect{{{"192.0.2.2", 81}}}});
    return config;
}

/// A decision with the plan and the bytes that it borrows.
class Decided {
  public:
    explicit Decided(std::string bytes, const core::Config& config = cli::config())
        : plan_(config), bytes_(std::move(bytes)) {}

    Decision decision(const Stream* stream = nullptr) const {
        const core::Bytes seen = core::as_bytes(bytes_);
        return {plan_, seen, core::decide(plan_, seen, core::Ending::Open), {}, stream};
    }
    std::string summary(const Stream* stream = nullptr) const {
        return cli::summary(decision(stream));
    }
    std::string text(Colour colour = Colour::Plain) const {
        return explanation_text(decision(), core::Explainer(plan_), colour);
    }
    std::string json(const Stream* stream = nullptr) const {
        return explanation_json(decision(stream), core::Explainer(plan_));
    }

  private:
    core::Plan plan_;
    std::string bytes_;
};

const Stream kCaptured{
    .client = {"192.0.2.7", 50022}, .server = {"192.0.2.1", 443}, .bytes = {}, .ended = false};

TEST(Summary, NamesTheServiceItsActionAndTheBytesItTook) {
    EXPECT_EQ(Decided("SSH-2.0").summary(),
              "service=ssh reason=match bytes=4 action=exec target=/bin/sshd");
    EXPECT_EQ(Decided("GET /").summary(),
              "service=web reason=match bytes=4 action=connect target=192.0.2.1:80");
    EXPECT_EQ(Decided("x").summary(),
              "service=fallback reason=fallback bytes=1 action=connect target=192.0.2.2:81");
}

TEST(Summary, HasNoServiceWhileUndecided) {
    EXPECT_EQ(Decided("GE").summary(), "service=- reason=undecided bytes=2");
}

TEST(Summary, HasNoServiceWhenTheConnectionIsClosed) {
    core::Config without_fallback = config();
    without_fallback.services.pop_back();
    EXPECT_EQ(Decided("x", without_fallback).summary(), "service=- reason=fallback bytes=1");
}

TEST(Summary, HasBothEndsOfACapturedStream) {
    EXPECT_EQ(Decided("GE").summary(&kCaptured),
              "service=- reason=undecided src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "bytes=2");
}

/// The decision about a connection that was captured from 192.0.2.7, a balancer.
class DecidedBehindBalancer {
  public:
    explicit DecidedBehindBalancer(const std::string& bytes) : plan_(with_balancer()) {
        stream_.bytes.resize(bytes.size());
        std::ranges::transform(bytes, stream_.bytes.begin(),
                               [](char it) { return static_cast<std::byte>(it); });
    }
    Decision decision() const {
        const core::Entrance entrance{0, {core::IpAddress::parse("192.0.2.7"), {}, false}};
        return decide(plan_, stream_.bytes, core::Ending::Open, entrance, &stream_);
    }
    std::string summary() const { return cli::summary(decision()); }
    std::string json() const { return explanation_json(decision(), core::Explainer(plan_)); }

  private:
    static core::Config with_balancer() {
        core::Config config = cli::config();
        config.top.proxy_from = {
            {core::Prefix::Kind::Internet, 32, *core::IpAddress::parse("192.0.2.7"), {}}};
        return config;
    }
    core::Plan plan_;
    Stream stream_ = kCaptured;
};

TEST(Summary, HasTheClientOfAHeaderAndTheBalancerOfACapturedStream) {
    const DecidedBehindBalancer named("PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\nSSH-2.0");
    EXPECT_EQ(named.summary(),
              "service=ssh reason=match src=203.0.113.9 sport=4711 dst=192.0.2.1 dport=443 "
              "balancer=192.0.2.7 bytes=4 action=exec target=/bin/sshd");
    const std::string json = named.json();
    EXPECT_NE(json.find(R"("src":"203.0.113.9","sport":4711,"dst":"192.0.2.1","dport":443,)"
                        R"("balancer":"192.0.2.7","proxy":{)"),
              json.npos)
        << json;
    const std::string path(107, '\0');
    EXPECT_TRUE(DecidedBehindBalancer(std::string("\r\n\r\n\0\r\nQUIT\n\x21\x31\0\xd8", 16) + "a" +
                                      path + "/b" + path.substr(1) + "SSH-")
                    .summary()
                    .starts_with("service=ssh reason=match src=unix sport=0 dst=/b dport=0 "
                                 "balancer=192.0.2.7 bytes=4 "));
}

TEST(Summary, HasTheBalancerAsTheClientWhereAHeaderNamesNobody) {
    const std::string ends = "src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 ";
    EXPECT_EQ(DecidedBehindBalancer("PROXY UNKNOWN\r\nSSH-2.0").summary(),
              "service=ssh reason=match " + ends + "bytes=4 action=exec target=/bin/sshd");
    EXPECT_EQ(DecidedBehindBalancer("SSH-2.0").summary(),
              "service=- reason=proxy " + ends + "bytes=7");
    EXPECT_EQ(DecidedBehindBalancer("PROXY").summary(),
              "service=- reason=undecided " + ends + "bytes=5");
}

TEST(ExplanationText, HasALineForEachServiceAndPattern) {
    EXPECT_EQ(Decided("GET /").text(),
              "bytes seen: 5\n"
              "    47 45 54 20 2f\n"
              "    GET /\n"
              "ssh  no       at byte 1\n"
              "     no       at byte 1     string \"SSH-\"\n"
              "web  match    at byte 4\n"
              "     match    at byte 4     string \"GET \"\n"
              "     no       at byte 1     regex \"P(OS|U)T \"\n");
}

TEST(ExplanationText, NamesTheBytesSeenWhenAnAnswerIsStillOpen) {
    EXPECT_EQ(Decided("").text(),
              "bytes seen: 0\n"
              "ssh  more     after 0\n"
              "     more     after 0       string \"SSH-\"\n"
              "web  more     after 0\n"
              "     more     after 0       string \"GET \"\n"
              "     more     after 0       regex \"P(OS|U)T \"\n");
}

TEST(ExplanationText, CutsLongBytesAndPatterns) {
    core::Config config;
    config.services.push_back(
        {"long", {{core::PatternKind::String, core::Text(61, 'a')}}, exec("/bin/true")});
    EXPECT_EQ(
        Decided(std::string(33, 'b'), config).text(),
        "bytes seen: 33\n"
        "    62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 62 "
        "62 62 62 62 62 ...\n"
        "    " +
            std::string(32, 'b') +
            " ...\n"
            "long  no       at byte 1\n"
            "      no       at byte 1     string \"" +
            std::string(60, 'a') + "...\"\n");
}

TEST(ExplanationText, EscapesBytesThatATerminalWouldObey) {
    const std::string text = Decided("\x1b[31m\n").text();
    EXPECT_NE(text.find("\n    \\1B[31m\\0A\n"), std::string::npos) << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}

/// Returns the last line about bytes, for a layout of these rules.
std::string last_line_of(const std::string& bytes, core::List<core::LayoutRule> rules) {
    core::Config config = cli::config();
    config.layouts.push_back({"test", std::move(rules)});
    config.services[0].layouts.push_back({"test", true, {}});
    const std::string text = Decided(bytes, config).text();
    return text.substr(text.rfind('\n', text.size() - 2) + 1);
}
/// A layout with a size, a name and a number from 1 to 9.
std::string last_line(const std::string& bytes) {
    return last_line_of(bytes, {{"start", "'T' {u8(2-200) name ..} digit"},
                                {"name", "{u8 <name>}"},
                                {"digit", "u16(1-9)"}});
}
std::string framed(const std::string& bytes) {
    return last_line_of(bytes, {{"frame", "'F' {u8(1-9) <>}"}, {"start", "'T' 'y' {u8}"}});
}
std::string left_over(const std::string& bytes) {
    return last_line_of(bytes, {{"start", "{u8 u8 u8 'b'?}"}});
}

TEST(ExplanationText, SaysWhyALayoutDoesNotFit) {
    EXPECT_EQ(
        last_line("X"),
        "test does not fit: rule start at byte 1, expected \"'T' {u8(2-200) name ..} digit\"\n");
    EXPECT_EQ(last_line("T\1"), "test does not fit: rule start at byte 2, 1 is not in 2-200\n");
    EXPECT_EQ(last_line("T\3\5"),
              "test does not fit: rule name at byte 3, a length of 5 does not fit here\n");
    EXPECT_EQ(last_line(std::string("T\2\1a\1\2", 6)),
              "test does not fit: rule digit at byte 6, 258 is not in 1-9\n");
    EXPECT_EQ(last_line(std::string("T\2\1a\0\2", 6)), "test fits at byte 6\n");
    EXPECT_EQ(last_line("T\2\1a"), "test needs more bytes\n");
    EXPECT_EQ(framed("F\2Tx"), "test does not fit: rule start at byte 4, expected \"'y' {u8}\"\n");
    EXPECT_EQ(framed("G"),
              "test does not fit: rule frame at byte 1, expected \"'F' {u8(1-9) <>}\"\n");
    EXPECT_EQ(framed("F\x20"), "test does not fit: rule frame at byte 2, 32 is not in 1-9\n");
    EXPECT_EQ(left_over("\4aaaa"),
              "test does not fit: rule start at byte 4, bytes are left in its braces\n");
}

TEST(ExplanationText, ColoursEachAnswerOnATerminal) {
    core::Config config = cli::config();
    config.services[1].patterns.pop_back();
    EXPECT_EQ(Decided("G", config).text(Colour::Terminal),
              "bytes seen: 1\n"
              "    47\n"
              "    G\n"
              "\x1b[2mssh  no       at byte 1\x1b[0m\n"
              "\x1b[2m     no       at byte 1     string \"SSH-\"\x1b[0m\n"
              "\x1b[33mweb  more     after 1\x1b[0m\n"
              "\x1b[33m     more     after 1       string \"GET \"\x1b[0m\n");
}

TEST(ExplanationJson, IsOneObjectOnOneLine) {
    core::Config config = cli::config();
    config.services.erase(config.services.begin() + 1);
    EXPECT_EQ(Decided("SSH-2", config).json(),
              R"({"service":"ssh","reason":"match","bytes":4,"action":"exec","target":"/bin/sshd",)"
              R"("seen":5,"services":[{"answer":"match","bytes":4,"name":"ssh",)"
              R"("patterns":[{"answer":"match","bytes":4,"string":"SSH-"}]}]})");
}

TEST(ExplanationJson, HasNullForWhatIsUndecided) {
    const std::string json = Decided("GE").json(&kCaptured);
    EXPECT_TRUE(json.starts_with(
        R"({"service":null,"reason":"undecided","bytes":2,"action":null,"target":null,"seen":2,)"
        R"("src":"192.0.2.7","sport":50022,"dst":"192.0.2.1","dport":443,"services":[)"))
        << json;
}

TEST(ExplanationJson, ReplacesBytesThatAreNotUtf8) {
    core::Config config;
    config.services.push_back({"s\xff", {{core::PatternKind::Hex, "ff"}}, exec("/bin/true")});
    const std::string json = Decided("\xff", config).json();
    EXPECT_NE(json.find("\"service\":\"s\xef\xbf\xbd\""), std::string::npos) << json;
}

}  // namespace
}  // namespace portsplit::cli
