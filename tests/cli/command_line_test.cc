#include "cli/command_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/folder.h"

namespace portsplit::cli {
namespace {

std::string advice(const std::vector<std::string>& arguments) {
    return advice_on(arguments, {"check", "convert", "explain"},
                     [](const std::string& name) { return name == "mine"; });
}

TEST(AdviceOn, NamesTheCommandThatIsMeant) {
    EXPECT_EQ(advice({"chek", "x"}), "no command chek; did you mean check?");
    EXPECT_EQ(advice({"Explain"}), "no command Explain; did you mean explain?");
}

TEST(AdviceOn, NamesTheCommandsForAWordThatIsNeitherCommandNorFile) {
    for (const std::string word : {"status", "reload", "help"}) {
        EXPECT_EQ(advice({word}),
                  word + ": no such file, and no command; commands are check, convert, explain");
    }
    EXPECT_EQ(advice({"--log", "x.log", "status"}),
              "status: no such file, and no command; commands are check, convert, explain");
}

TEST(AdviceOn, NamesTheCommandThatTestsAFile) {
    EXPECT_EQ(advice({"-t", "a.conf"}), "to test a file: portsplit check a.conf");
    EXPECT_EQ(advice({"--test"}), "to test a file: portsplit check FILE");
}

TEST(AdviceOn, SaysThatTheFileIsAnArgument) {
    EXPECT_EQ(advice({"-f", "mine"}), "the file is an argument: portsplit mine");
    EXPECT_EQ(advice({"--log", "x", "--config=a.conf"}),
              "the file is an argument: portsplit a.conf");
}

TEST(AdviceOn, IsEmptyForCommandsAndFiles) {
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{},
                                               {"--log"},
                                               {"check", "status"},
                                               {"explain", "-t", "x"},
                                               {"mine"},
                                               {"mine", "two"},
                                               {"status.conf"},
                                               {"./status"},
                                               {"-x", "a.conf"}}) {
        EXPECT_EQ(advice(arguments), "") << arguments.size();
    }
}

TEST(AdviceOnInput, NamesTheWayForBytesThatAreAnArgument) {
    const auto advice_on = [](const std::string& extra) {
        return advice_on_input("a.conf", extra,
                               [](const std::string& name) { return name != "GET /"; });
    };
    EXPECT_EQ(advice_on("bytes.bin"),
              "bytes.bin: bytes are read from standard input; write portsplit explain a.conf < "
              "bytes.bin");
    EXPECT_EQ(advice_on("x.pcap"),
              "x.pcap: a capture is named by an option; write portsplit explain --pcap x.pcap "
              "a.conf");
    EXPECT_EQ(advice_on("GET /"),
              "GET /: no such file; the bytes of a client are given by --text, --hex, --pcap or "
              "standard input");
    EXPECT_EQ(advice_on("--file"), "");
}

TEST(NamesAFile, IsTrueForAFileThatExists) {
    const Folder folder;
    EXPECT_TRUE(names_a_file(folder.path()));
    EXPECT_FALSE(names_a_file(folder / "none"));
}

}  // namespace
}  // namespace portsplit::cli
