#include "config/recording.h"

#include <gtest/gtest.h>

#include <string>

namespace portsplit::config {
namespace {

using namespace std::string_literals;

std::string problem_of_hex(const std::string& text) {
    const auto bytes = bytes_of_hex(text);
    return bytes ? "none" : bytes.error().text;
}

/// Returns `LINE: text`.
std::string problem_of(const std::string& recording) {
    const auto bytes = read_recording(recording);
    return bytes ? "none" : std::to_string(bytes.error().line) + ": " + bytes.error().text;
}

TEST(BytesOfHex, ReturnsEachByteWithOrWithoutBlanks) {
    EXPECT_EQ(*bytes_of_hex("16 03\t00Ff"), "\x16\x03\0\xff"s);
}

TEST(BytesOfHex, NamesWhatIsNoByte) {
    EXPECT_EQ(problem_of_hex("16 0"),
              "half a byte; write two digits, such as 0a or ?a (at byte 4)");
    EXPECT_EQ(problem_of_hex("1?"), "? and ranges are for patterns only");
    EXPECT_EQ(problem_of_hex("00-04"), "? and ranges are for patterns only");
    EXPECT_EQ(problem_of_hex("11-11"), "? and ranges are for patterns only");
    EXPECT_EQ(problem_of_hex(""), "no byte; write two hex digits for each (at byte 1)");
}

TEST(ReadRecording, JoinsTheLinesThatAreNoComments) {
    EXPECT_EQ(*read_recording("# meow 1.0: meow -x 00\n4d 45\n\n# more\n00 FF"), "ME\0\xff"s);
}

TEST(ReadRecording, NamesTheFirstLineThatIsNotHex) {
    EXPECT_EQ(problem_of("# a\n00\n0g\nzz\n"),
              "3: not a hex digit; a byte is two of 0-9, a-f and ? (at byte 2)");
    EXPECT_EQ(problem_of("00\n 01 # a\n"),
              "2: not a hex digit; a byte is two of 0-9, a-f and ? (at byte 5)");
}

TEST(ReadRecording, HoldsAByte) {
    EXPECT_EQ(problem_of("# nothing"), "1: no byte in it; write two hex digits for each");
    EXPECT_EQ(problem_of(""), "1: no byte in it; write two hex digits for each");
}

}  // namespace
}  // namespace portsplit::config
