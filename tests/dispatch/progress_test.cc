#include "dispatch/progress.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <type_traits>

#include "dispatch/log_line.h"
#include "support/progress_of.h"

namespace portsplit::dispatch {
namespace {

// It crosses to another process as it lies in memory.
static_assert(std::is_trivially_copyable_v<Progress>);

TEST(Reporter, StoresTheVerdictUntilItIsPublished) {
    Recorder recorder;
    recorder.set_verdict({2, core::Reason::Match});
    EXPECT_TRUE(recorder.messages().empty()) << "set_verdict only stores";
    recorder.publish();
    ASSERT_EQ(recorder.messages().size(), 1U);
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
    EXPECT_EQ(recorder.messages().size(), 1U);
}

TEST(Reporter, PublishesBeforeALaterWaitOnlyWhatIsNew) {
    Recorder recorder;
    recorder.about_to_block();
    recorder.about_to_block();
    EXPECT_EQ(recorder.messages().size(), 1U) << "nothing new";
    recorder.set_verdict({0, core::Reason::Match});
    recorder.about_to_block();
    EXPECT_EQ(recorder.messages().size(), 2U) << "a verdict is new";
    recorder.set_target(1);
    recorder.about_to_block();
    EXPECT_EQ(recorder.messages().size(), 3U) << "a target is new";
    recorder.set_status(256);
    recorder.about_to_block();
    EXPECT_EQ(recorder.messages().size(), 4U) << "a status is new";
    recorder.publish_failure(Stage::Start, ENOENT);
    recorder.publish_counts(1, 2);
    recorder.about_to_block();
    EXPECT_EQ(recorder.messages().size(), 6U) << "failures and counts are sent at once";
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
    ASSERT_EQ(recorder.messages().size(), 1U);
    EXPECT_EQ(recorder.last().target, 1);
    EXPECT_EQ(recorder.last().ended, 1);
    EXPECT_EQ(recorder.last().status, 256);
    EXPECT_EQ(recorder.last().counted, 1);
    EXPECT_EQ(recorder.last().bytes_in, 3U);
    EXPECT_EQ(recorder.last().bytes_out, 4U);
}

/// One whose questions get this answer.
class Refused final : public Reporter {
  public:
    explicit Refused(core::Refusal why) : why_(why) {}
    const Progress& last() const { return last_; }

  private:
    sys::Result<sys::Done> send(const Progress& progress, int /*fd*/) override {
        last_ = progress;
        return sys::Done{};
    }
    core::Refusal wait_for_answer() override { return why_; }

    core::Refusal why_;
    Progress last_;
};

TEST(Reporter, PublishesWhyAConnectionWasRefused) {
    Refused reporter(core::Refusal::ServiceSource);
    reporter.set_verdict({0, core::Reason::Match});
    EXPECT_FALSE(reporter.may_go_on());
    EXPECT_NE(reporter.last().asks, 0);
    EXPECT_EQ(reporter.last().refusal, 0) << "the question is asked before it is known";
    reporter.set_refused();
    reporter.publish();
    EXPECT_EQ(limit_text(reporter.last()), " limit=maxconn-source");
}

TEST(Reporter, GoesOnWithoutARefusal) {
    Refused reporter(core::Refusal::None);
    EXPECT_TRUE(reporter.may_go_on());
    reporter.publish();
    EXPECT_EQ(limit_text(reporter.last()), "");
}

TEST(BecomesProgram, IsTrueOnlyForAProgramOnTheSocket) {
    EXPECT_TRUE(becomes_program(each_action(), decided_for(kWeb)));
    EXPECT_FALSE(becomes_program(each_action(), decided_for(kShell)));
    EXPECT_FALSE(becomes_program(each_action(), decided_for(kSsh)));
    EXPECT_FALSE(becomes_program(each_action(), Progress{}));
}

TEST(IsValid, AcceptsEveryMessageOfAnHonestDispatcher) {
    EXPECT_TRUE(is_valid(each_action(), Progress{}));
    EXPECT_TRUE(is_valid(each_action(), decided_for(kSsh)));
    EXPECT_TRUE(is_valid(each_action(), decided_for(kWeb)));
    EXPECT_TRUE(is_valid(each_action(), decided_for(Progress::kNone, core::Reason::Eof)));
    Progress failed = decided_for(kSsh);
    failed.failure = {Stage::Connect, ECONNREFUSED, 1};
    EXPECT_TRUE(is_valid(each_action(), failed));
    Progress reached = decided_for(kSsh);
    reached.target = 1;
    EXPECT_TRUE(is_valid(each_action(), reached));
}

/// Returns is_valid of a message that is valid except for this change.
template <typename Change>
bool is_valid_with(std::int32_t index, Change change) {
    Progress progress = decided_for(index);
    change(progress);
    return is_valid(each_action(), progress);
}

TEST(IsValid, RefusesAServiceThatThePlanDoesNotHave) {
    for (const std::int32_t index : {4, -2, std::numeric_limits<std::int32_t>::max(),
                                     std::numeric_limits<std::int32_t>::min()}) {
        EXPECT_FALSE(is_valid_with(index, [](Progress&) {})) << index;
        EXPECT_FALSE(is_valid_with(kSsh, [&](Progress& message) { message.gave_up = index; }))
            << index;
    }
}

TEST(IsValid, RefusesATargetThatTheServiceDoesNotHave) {
    for (const std::int32_t target : {2, -2, std::numeric_limits<std::int32_t>::max(),
                                      std::numeric_limits<std::int32_t>::min()}) {
        EXPECT_FALSE(is_valid_with(kSsh, [&](Progress& message) { message.target = target; }))
            << target;
    }
    EXPECT_FALSE(is_valid_with(kWeb, [](Progress& message) { message.target = 0; }));
    EXPECT_FALSE(is_valid_with(Progress::kNone, [](Progress& message) { message.target = 0; }));
    EXPECT_FALSE(is_valid_with(kSsh, [](Progress& message) {
        message.failure = {Stage::Connect, ECONNREFUSED, 2};
    }));
    EXPECT_FALSE(is_valid_with(kSsh, [](Progress& message) {
        message.failure = {Stage::Resolve, 1, std::numeric_limits<std::uint32_t>::max()};
    }));
}

TEST(IsValid, RefusesAReasonThatDoesNotExist) {
    for (const int reason : {7, -1, 1'000'000, std::numeric_limits<int>::min()}) {
        EXPECT_FALSE(is_valid_with(kSsh, [&](Progress& message) {
            message.reason = static_cast<core::Reason>(reason);
        })) << reason;
    }
}

TEST(IsValid, RefusesAStageThatDoesNotExist) {
    for (const std::uint32_t stage : {14U, 0x80000000U, 0xffffffffU}) {
        EXPECT_FALSE(is_valid_with(kSsh, [&](Progress& message) {
            message.failure.stage = static_cast<Stage>(stage);
        })) << stage;
    }
}

TEST(IsValid, TakesStandardErrorOnlyOfAProgramThatLogsIt) {
    const auto takes_it_of = [](std::int32_t index) {
        return is_valid_with(index, [](Progress& message) { message.has_stderr = 1; });
    };
    EXPECT_TRUE(takes_it_of(kWeb));
    EXPECT_TRUE(takes_it_of(kShell));
    EXPECT_FALSE(takes_it_of(kSsh));
    EXPECT_FALSE(takes_it_of(Progress::kNone));
    core::Config config = each_action().config();
    std::get<core::Exec>(config.services[kWeb].action).stderr_to = core::StderrTo::Null;
    Progress progress = decided_for(kWeb);
    progress.has_stderr = 1;
    EXPECT_FALSE(is_valid(core::Plan(config), progress));
}

TEST(IsValid, RefusesARefusalThatDoesNotExist) {
    for (std::size_t refusal = 0; refusal < 256; ++refusal) {
        EXPECT_EQ(is_valid_with(kSsh,
                                [&](Progress& message) {
                                    message.refusal = static_cast<std::uint8_t>(refusal);
                                }),
                  refusal < core::kRefusals)
            << refusal;
    }
}

/// A valid number now and then, else one that an attacker would choose to index beyond a table.
template <typename Number>
Number hostile(std::mt19937_64& random) {
    constexpr std::int64_t kChoices[] = {3,   4,   5,     -2,         127,
                                         128, 255, 32767, 0x7fffffff, -0x80000000LL};
    if (random() % 3 != 0) return static_cast<Number>(static_cast<std::int64_t>(random() % 4) - 1);
    return static_cast<Number>(kChoices[random() % std::size(kChoices)]);
}

TEST(IsValid, AcceptsOnlyProgressThatCanBeLogged) {
    std::mt19937_64 random(20240601);
    int accepted = 0;
    for (int i = 0; i < 100'000; ++i) {
        Progress message;
        message.decided = hostile<std::uint8_t>(random);
        message.counted = hostile<std::uint8_t>(random);
        message.ended = hostile<std::uint8_t>(random);
        if (random() % 2 == 0) message.refusal = hostile<std::uint8_t>(random);
        message.reason = static_cast<core::Reason>(hostile<int>(random));
        message.service = hostile<std::int32_t>(random);
        message.target = hostile<std::int32_t>(random);
        message.status = hostile<std::int32_t>(random);
        message.bytes_in = random();
        message.bytes_out = random();
        message.failure = {static_cast<Stage>(hostile<std::uint32_t>(random)),
                           hostile<std::int32_t>(random), hostile<std::uint32_t>(random)};
        if (!is_valid(each_action(), message)) continue;
        ++accepted;
        // No crash, one line, every field filled.
        const std::string written =
            connection_line(each_action(), documented_ends(), message, hostile<int>(random),
                            std::chrono::milliseconds(91));
        ASSERT_EQ(written.find("= "), std::string::npos) << written;
        ASSERT_EQ(written.find('\n'), std::string::npos) << written;
        static_cast<void>(becomes_program(each_action(), message));
        static_cast<void>(limit_text(message));
        if (message.failure.stage != Stage::None) {
            ASSERT_FALSE(
                failure_line(each_action(), {.ends = documented_ends()}, message).ends_with(": "));
        }
    }
    EXPECT_GT(accepted, 1000) << "the test needs accepted messages";
}

}  // namespace
}  // namespace portsplit::dispatch
