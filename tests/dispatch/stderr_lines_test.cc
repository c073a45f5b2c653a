#include "dispatch/stderr_lines.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using namespace std::chrono_literals;

constexpr std::size_t kLongest = StderrLines::kLongest;

class StderrLinesTest : public testing::Test {
  protected:
    void take(std::string_view bytes) { lines_.take(bytes, now_, write_); }
    void end() { lines_.end(now_, write_); }
    /// What was written since the last call.
    std::vector<std::string> written() { return std::exchange(written_, {}); }

    Clock::time_point now_ = Clock::now();
    StderrLines lines_{std::pmr::get_default_resource()};

  private:
    std::vector<std::string> written_;
    StderrLines::Write write_ = [this](std::string_view line) { written_.emplace_back(line); };
};

using Lines = std::vector<std::string>;

TEST_F(StderrLinesTest, WritesALineForEachLine) {
    take("one\ntwo\n\nfour\n");
    EXPECT_EQ(written(), (Lines{"one", "two", "", "four"}));
}

TEST_F(StderrLinesTest, WritesTheSameHoweverTheBytesAreCut) {
    const std::string text = "one\n\n" + std::string(kLongest, 'x') + "\n" +
                             std::string(kLongest + 1, 'y') + "\n" +
                             std::string(2 * kLongest, 'z') + "rest";
    const Lines expected{"one",
                         "",
                         std::string(kLongest, 'x'),
                         std::string(kLongest, 'y'),
                         "y",
                         std::string(kLongest, 'z'),
                         std::string(kLongest, 'z'),
                         "rest"};
    for (std::size_t size = 1; size <= text.size(); ++size) {
        StderrLines lines(std::pmr::get_default_resource());
        Lines got;
        const auto write = [&got](std::string_view line) { got.emplace_back(line); };
        for (std::size_t at = 0; at < text.size(); at += size) {
            lines.take(std::string_view(text).substr(at, size), now_, write);
        }
        lines.end(now_, write);
        ASSERT_EQ(got, expected) << "in parts of " << size;
    }
}

TEST_F(StderrLinesTest, WritesALineWithoutAnEndAtTheEnd) {
    take("unfinished");
    EXPECT_EQ(written(), Lines{});
    end();
    EXPECT_EQ(written(), Lines{"unfinished"});
    end();
    EXPECT_EQ(written(), Lines{}) << "once";
}

TEST_F(StderrLinesTest, CountsTheLinesOfAMinuteBeyondAHundred) {
    for (int i = 0; i < StderrLines::kWritten + 7; ++i) take("line\n");
    EXPECT_EQ(written().size(), static_cast<std::size_t>(StderrLines::kWritten));
    EXPECT_EQ(lines_.due(), now_ + 1min);
    now_ += 1min;
    take("before the report\n");
    EXPECT_EQ(written(), Lines{}) << "it belongs to those that are counted";
    EXPECT_EQ(lines_.take_left_out(), 8U);
    EXPECT_EQ(lines_.due(), Clock::time_point::max());
    take("after\n");
    EXPECT_EQ(written(), Lines{"after"});
}

TEST_F(StderrLinesTest, BeginsANewMinuteWhereNoneWasLeftOut) {
    for (int minute = 0; minute < 3; ++minute) {
        for (int i = 0; i < StderrLines::kWritten; ++i) take("line\n");
        EXPECT_EQ(written().size(), static_cast<std::size_t>(StderrLines::kWritten));
        EXPECT_EQ(lines_.due(), Clock::time_point::max());
        now_ += 1min;
    }
}

}  // namespace
}  // namespace portsplit::dispatch
