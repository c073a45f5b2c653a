#include "config/arguments.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portsplit::config {
namespace {

std::string advice(const std::vector<std::string>& arguments) {
    return advice_on_foreign_option(arguments, "portsplitd");
}

TEST(AdviceOnForeignOption, NamesTheCommandThatTestsAFile) {
    for (const char* option : {"-t", "-T", "-c", "--test", "--check", "--configtest"}) {
        EXPECT_EQ(advice({option, "a.conf"}), "to test a file: portsplit check a.conf") << option;
        EXPECT_EQ(advice({"a.conf", option}), "to test a file: portsplit check a.conf") << option;
        EXPECT_EQ(advice({option}), "to test a file: portsplit check FILE") << option;
    }
}

TEST(AdviceOnForeignOption, SaysThatTheFileIsAnArgument) {
    for (const char* option : {"-f", "-F", "--file", "--config", "--conf"}) {
        EXPECT_EQ(advice({option, "a.conf"}), "the file is an argument: portsplitd a.conf");
        EXPECT_EQ(advice({option}), "the file is an argument: portsplitd FILE") << option;
    }
    EXPECT_EQ(advice({"--config=a.conf"}), "the file is an argument: portsplitd a.conf");
    EXPECT_EQ(advice({"-f", "a\x1b"}), "the file is an argument: portsplitd a\\1B");
}

TEST(AdviceOnForeignOption, TestsTheFileOfAnOptionThatNamesIt) {
    EXPECT_EQ(advice({"-t", "-f", "a.conf"}), "to test a file: portsplit check a.conf");
    EXPECT_EQ(advice({"-t", "--config=a.conf"}), "to test a file: portsplit check a.conf");
}

TEST(AdviceOnForeignOption, TakesNoValueOfAnotherOptionForTheFile) {
    EXPECT_EQ(advice({"--log", "x", "--ready-fd", "3", "--idle-exit", "5", "-t", "a.conf"}),
              "to test a file: portsplit check a.conf");
    EXPECT_EQ(advice({"--log", "-t", "a.conf"}), "");
}

TEST(AdviceOnForeignOption, IsEmptyForAnyOtherOption) {
    for (const std::string option : {"--log", "-x", "--colour", "--file-name", "-", "--", "t"}) {
        EXPECT_EQ(advice({option, "a.conf"}), "") << option;
    }
    EXPECT_EQ(advice({}), "");
}

TEST(FirstWord, IsNoOptionAndNoValueOfOne) {
    EXPECT_EQ(first_word({"--log", "x", "-y", "one", "two"}), "one");
    EXPECT_EQ(first_word({"--log", "x"}), "");
    EXPECT_EQ(first_word({"--ready-fd"}), "");
    EXPECT_EQ(first_word({}), "");
}

TEST(WhyWrongOption, NamesAnOptionThatNoProgramHas) {
    EXPECT_EQ(why_wrong_option({"--colour", "x"}, "--colour", "portsplitd"),
              "unknown option, or an option without its value: --colour");
    EXPECT_EQ(why_wrong_option({"-t", "x"}, "-t", "portsplitd"),
              "to test a file: portsplit check x");
}

TEST(WhyNoLog, NamesWhatIsMeantByAWordThatIsNoFile) {
    EXPECT_EQ(why_no_log("journal"),
              "--log journal: not a place for the log; under systemd, stderr goes to the journal; "
              "./journal is a file of that name");
    for (const std::string word : {"none", "null", "off"}) {
        EXPECT_EQ(why_no_log(word),
                  "--log " + word + ": not a place for the log; /dev/null drops every line; ./" +
                      word + " is a file of that name");
    }
    for (const std::string word : {"stdout", "-"}) {
        EXPECT_EQ(why_no_log(word),
                  "--log " + word +
                      ": not a place for the log; standard output is /dev/stdout; ./" + word +
                      " is a file of that name");
    }
}

TEST(WhyNoLog, IsEmptyForEveryPlace) {
    for (const char* place : {"stderr", "syslog", "./journal", "/dev/null", "portsplit.log"}) {
        EXPECT_EQ(why_no_log(place), "");
    }
}

}  // namespace
}  // namespace portsplit::config
