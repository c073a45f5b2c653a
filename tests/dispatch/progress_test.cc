#include "dispatch/progress.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <type_traits>

#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

// It crosses to another process as it stands.
static_assert(std::is_trivially_copyable_v<Progress>);

TEST(Reporter, StoresTheVerdictUntilItIsPublished) {
    Recorder recorder;
    recorder.set_verdict({2, core::Reason::Match});
    EXPECT_TRUE(recorder.told().empty()) << "set_verdict only stores";
    recorder.publish();
    ASSERT_EQ(recorder.told().size(), 1U);
    EXPECT_EQ(recorder.last().decided, 1);
    EXPECT_EQ(recorder.last().service, 2);
    EXPECT_EQ(recorder.last().reason, core::Reason::Match);
    EXPECT_EQ(recorder.last().target, Progress::kNone);
    EXPECT_EQ(recorder.last().failure.stage, Stage::None);
}

TEST(Reporter, NamesNoServiceForAConnectionThatIsClosed) {
    Recorder recorder;
    recorder.set_verdict({std::nullopt, core::Reason::Eof});
    recorder.publish();
    EXPECT_EQ(recorder.last().service, Progress::kNone);
}

TEST(Reporter, PublishesBeforeTheFirstWaitEvenWithNothingStored) {
    Recorder recorder;
    recorder.about_to_block();
    EXPECT_EQ(recorder.told().size(), 1U);
}

TEST(Reporter, PublishesBeforeALaterWaitOnlyWhatIsNew) {
    Recorder recorder;
    recorder.about_to_block();
    recorder.about_to_block();
    EXPECT_EQ(recorder.told().size(), 1U) << "nothing new";
    recorder.set_verdict({0, core::Reason::Match});
    recorder.about_to_block();
    EXPECT_EQ(recorder.told().size(), 2U) << "a verdict is new";
    recorder.set_target(1);
    recorder.about_to_block();
    EXPECT_EQ(recorder.told().size(), 3U) << "a target is new";
    recorder.set_status(256);
    recorder.about_to_block();
    EXPECT_EQ(recorder.told().size(), 4U) << "a status is new";
    recorder.publish_failure(Stage::Start, ENOENT);
    recorder.publish_counts(1, 2);
    recorder.about_to_block();
    EXPECT_EQ(recorder.told().size(), 6U) << "failures and counts are sent at once";
}

TEST(Reporter, PublishesAFailureInOneMessageOnly) {
    Recorder recorder;
    recorder.set_verdict({0, core::Reason::Match});
    recorder.publish_failure(Stage::Connect, ECONNREFUSED, 1);
    EXPECT_EQ(recorder.last().failure.stage, Stage::Connect);
    EXPECT_EQ(recorder.last().failure.code, ECONNREFUSED);
    EXPECT_EQ(recorder.last().failure.target, 1U);
    EXPECT_EQ(recorder.last().service, 0) << "each message carries the whole";
    recorder.publish_counts(1, 2);
    EXPECT_EQ(recorder.last().failure.stage, Stage::None);
}

TEST(Reporter, PublishesTheTargetAndTheStatusWithTheCounts) {
    Recorder recorder;
    recorder.set_verdict({0, core::Reason::Match});
    recorder.set_target(1);
    recorder.set_status(256);
    recorder.publish_counts(3, 4);
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
