#include "dispatch/progress.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <type_traits>

#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

// It crosses to another process as it stands.
static_assert(std::is_trivially_copyable_v<Progress>);

TEST(Reporter, TellsTheVerdict) {
    Recorder recorder;
    recorder.decided({2, core::Reason::Match});
    EXPECT_TRUE(recorder.told().empty()) << "not before it is asked to";
    recorder.tell();
    ASSERT_EQ(recorder.told().size(), 1U);
    EXPECT_EQ(recorder.last().decided, 1);
    EXPECT_EQ(recorder.last().service, 2);
    EXPECT_EQ(recorder.last().reason, core::Reason::Match);
    EXPECT_EQ(recorder.last().target, Progress::kNone);
    EXPECT_EQ(recorder.last().failure.stage, Stage::None);
}

TEST(Reporter, NamesNoServiceForAConnectionThatIsClosed) {
    Recorder recorder;
    recorder.decided({std::nullopt, core::Reason::Eof});
    recorder.tell();
    EXPECT_EQ(recorder.last().service, Progress::kNone);
}

TEST(Reporter, TellsAFailureOnce) {
    Recorder recorder;
    recorder.decided({0, core::Reason::Match});
    recorder.failed(Stage::Connect, ECONNREFUSED, 1);
    EXPECT_EQ(recorder.last().failure.stage, Stage::Connect);
    EXPECT_EQ(recorder.last().failure.code, ECONNREFUSED);
    EXPECT_EQ(recorder.last().failure.target, 1U);
    EXPECT_EQ(recorder.last().service, 0) << "each message carries the whole";
    recorder.counted(1, 2);
    EXPECT_EQ(recorder.last().failure.stage, Stage::None);
}

TEST(Reporter, TellsTheTargetAndTheEndWithTheCounts) {
    Recorder recorder;
    recorder.decided({0, core::Reason::Match});
    recorder.reached(1);
    recorder.ended(256);
    recorder.counted(3, 4);
    ASSERT_EQ(recorder.told().size(), 1U);
    EXPECT_EQ(recorder.last().target, 1);
    EXPECT_EQ(recorder.last().ended, 1);
    EXPECT_EQ(recorder.last().status, 256);
    EXPECT_EQ(recorder.last().counted, 1);
    EXPECT_EQ(recorder.last().bytes_in, 3U);
    EXPECT_EQ(recorder.last().bytes_out, 4U);
}

}  // namespace
}  // namespace portsplit::dispatch
