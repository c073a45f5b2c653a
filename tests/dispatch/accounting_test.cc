#include "dispatch/accounting.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "core/budgets.h"
#include "support/loopback.h"
#include "support/moved_clock.h"
#include "support/plans.h"
#include "support/progress_of.h"
#include "sys/tcp_silence.h"

namespace portsplit::dispatch {
namespace {

using core::Penalty;
using Cause = handoff::Reaped::Cause;
using sys::Clock;

constexpr pid_t kPid = 4711;

/// The services `ssh`, which has limits, and `web`, a program with penalties.
const core::Plan& plan_with_budgets() {
    static const core::Plan plan = [] {
        core::Config config;
        config.services = {service("ssh", {"SSH-"}, to("127.0.0.1", 22)),
                           service("web", {"GET "}, program("/usr/sbin/httpd", {})),
                           service("shell", {"sh"}, program("/bin/sh", {}, core::Stdio::Pty))};
        config.services[0].maxconn = 3;
        for (const std::size_t i : {1U, 2U}) {
            config.services[i].penalty = {{Penalty::Cause::Exit, 5, 50},
                                          {Penalty::Cause::Signal, 0, 9}};
        }
        return core::Plan(config);
    }();
    return plan;
}

/// The accounting of a zygote, with one connection.
class AccountingTest : public testing::Test {
  protected:
    explicit AccountingTest(const core::Plan& plan = plan_with_budgets()) : accounting_(plan) {
        connections_.add(kPid, {.id = 7});
    }
    Accounting& accounting() { return accounting_; }
    Connections& connections() { return connections_; }
    ConnectionRecord& record() {
        ConnectionRecord* found = connections_.find(kPid);
        if (found == nullptr) std::abort();
        return *found;
    }
    std::optional<handoff::Question> note(const Progress& progress) {
        record().progress = progress;
        return accounting_.note(kPid, record(), progress);
    }
    /// Returns what is told of the connection when its process ends so.
    handoff::Reaped reaped(const Progress& progress, int status) {
        record().progress = progress;
        return accounting_.reaped(record(), status);
    }
    /// Returns what a dispatcher reads from its pipe: the byte, or -1 for its end, or -2 for nothing.
    static int answer_in(int fd) {
        if (loopback::events_of(fd, POLLIN, loopback::kMoment) == 0) return -2;
        std::uint8_t byte = 0;
        return ::read(fd, &byte, 1) == 1 ? byte : -1;
    }
    /// Makes the pipe of the one process, and returns its reading end.
    sys::UniqueFd pipe() {
        EXPECT_TRUE(accounting_.prepare());
        return accounting_.keep(kPid);
    }

  private:
    Connections connections_;
    Accounting accounting_;
};

TEST_F(AccountingTest, TellsOnceThatAConnectionHasAServiceAndSomeTimeLater) {
    EXPECT_EQ(accounting().due(), Clock::time_point::max());
    EXPECT_FALSE(note(decided_for(1)));
    EXPECT_TRUE(record().is_decided);
    EXPECT_TRUE(accounting().take_decided(connections()).empty()) << "not yet";
    MovedClock clock;
    clock.move(std::chrono::seconds(1));
    const auto news = accounting().take_decided(connections());
    ASSERT_EQ(news.size(), 1U);
    EXPECT_EQ(news[0].count, 1U);
    EXPECT_EQ(news[0].ids[0], 7U);
    EXPECT_FALSE(note(decided_for(1)));
    EXPECT_EQ(accounting().due(), Clock::time_point::max()) << "told already";
}

TEST_F(AccountingTest, DoesNotTellOfConnectionsThatHaveEnded) {
    EXPECT_FALSE(note(decided_for(1)));
    connections().add(kPid, {.id = 8});
    MovedClock clock;
    clock.move(std::chrono::seconds(1));
    EXPECT_TRUE(accounting().take_decided(connections()).empty());
}

TEST_F(AccountingTest, TellsOfManyInAsFewMessagesAsPossible) {
    constexpr std::size_t kMany = 2 * handoff::Decided::kMost + 1;
    for (std::size_t i = 0; i < kMany; ++i) {
        const auto pid = static_cast<pid_t>(i + 1);
        connections().add(pid, {.id = 100 + i});
        ConnectionRecord* found = connections().find(pid);
        ASSERT_NE(found, nullptr);
        EXPECT_FALSE(accounting().note(pid, *found, decided_for(1)));
    }
    MovedClock clock;
    clock.move(std::chrono::seconds(1));
    const auto news = accounting().take_decided(connections());
    ASSERT_EQ(news.size(), 3U);
    EXPECT_EQ(news[0].count, handoff::Decided::kMost);
    EXPECT_EQ(news[2].count, 1U);
    EXPECT_EQ(news[2].ids[0], 100 + kMany - 1);
}

TEST(IsDecided, IsTrueOnceAServiceIsChosenAndALateClientSpeaks) {
    EXPECT_FALSE(is_decided({}));
    EXPECT_TRUE(is_decided(decided_for(1)));
    EXPECT_FALSE(is_decided(decided_for(Progress::kNone, core::Reason::Eof)));
    Progress progress = decided_for(1, core::Reason::Timeout);
    EXPECT_FALSE(is_decided(progress));
    progress.heard = 1;
    EXPECT_TRUE(is_decided(progress));
    progress = decided_for(1);
    progress.asks = 1;
    EXPECT_FALSE(is_decided(progress)) << "it may be refused";
}

TEST_F(AccountingTest, AsksForAServiceWithLimitsAndForAClient) {
    const auto answers = pipe();
    Progress progress = decided_for(0);
    progress.asks = 1;
    const auto of_service = note(progress);
    ASSERT_TRUE(of_service);
    EXPECT_EQ(of_service->id, 7U);
    EXPECT_EQ(of_service->service, 0);
    progress = {};
    progress.asks = 1;
    record().arrival.ends = documented_ends();
    const auto of_client = note(progress);
    ASSERT_TRUE(of_client);
    EXPECT_EQ(of_client->service, handoff::Question::kNone);
    EXPECT_EQ(of_client->client.text(), "192.0.2.7:50022");
}

TEST_F(AccountingTest, GivesTheAnswerToTheDispatcherThatAsked) {
    const auto answers = pipe();
    Progress progress;
    progress.asks = 1;
    accounting().answer({.refusal = 0, .id = 7});
    EXPECT_EQ(answer_in(answers.get()), -2) << "nobody asked";
    ASSERT_TRUE(note(progress));
    accounting().answer({.refusal = 4, .id = 8});
    EXPECT_EQ(answer_in(answers.get()), -2) << "another one asked";
    accounting().answer({.refusal = core::kRefusals, .id = 7});
    EXPECT_EQ(answer_in(answers.get()), -2) << "no such refusal";
    accounting().answer({.refusal = 4, .id = 7});
    EXPECT_EQ(answer_in(answers.get()), 4);
    ASSERT_TRUE(note(progress));
    accounting().answer({.refusal = 0, .id = 7});
    EXPECT_EQ(answer_in(answers.get()), 0);
    accounting().answer({.refusal = 0, .id = 7});
    EXPECT_EQ(answer_in(answers.get()), -2) << "one answer for a question";
}

// A compromised dispatcher may ask for ever, and read nothing.
TEST_F(AccountingTest, TakesTwoQuestionsOfAConnection) {
    const auto answers = pipe();
    Progress progress;
    progress.asks = 1;
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(note(progress));
        accounting().answer({.refusal = 0, .id = 7});
    }
    for (int i = 0; i < 100'000; ++i) {
        ASSERT_FALSE(note(progress));
        accounting().answer({.refusal = 0, .id = 7});
    }
    EXPECT_EQ(answer_in(answers.get()), 0);
    EXPECT_EQ(answer_in(answers.get()), 0);
    EXPECT_EQ(answer_in(answers.get()), -2);
}

TEST_F(AccountingTest, EndsThePipeWhereNobodyAnswers) {
    const auto answers = pipe();
    Progress progress;
    progress.asks = 1;
    ASSERT_TRUE(note(progress));
    accounting().answer_all();
    EXPECT_EQ(answer_in(answers.get()), -1);
    EXPECT_FALSE(note(progress)) << "a question without a pipe is none";
}

TEST_F(AccountingTest, ForgetsAProcessThatEnded) {
    const auto answers = pipe();
    Progress progress;
    progress.asks = 1;
    ASSERT_TRUE(note(progress));
    accounting().forget(kPid);
    EXPECT_EQ(answer_in(answers.get()), -1);
    accounting().answer({.refusal = 0, .id = 7});
}

TEST_F(AccountingTest, GivesAForkNoPipeButItsOwn) {
    const auto first = pipe();
    ASSERT_TRUE(accounting().prepare());
    const auto own = accounting().take();
    EXPECT_TRUE(own);
    EXPECT_EQ(answer_in(first.get()), -1) << "the writing end of another is closed";
}

TEST(Accounting, MakesNoPipeWhereNobodyAsks) {
    Accounting accounting(each_action());
    ASSERT_TRUE(accounting.prepare());
    EXPECT_FALSE(accounting.take());
}

TEST_F(AccountingTest, TellsWhyAConnectionEndedWithoutAService) {
    EXPECT_EQ(reaped(decided_for(0), 0).cause, Cause::None);
    EXPECT_EQ(reaped(decided_for(0), 0).id, 7U);
    EXPECT_EQ(reaped(decided_for(Progress::kNone, core::Reason::Timeout), 0).cause,
              Cause::Undecided);
    EXPECT_EQ(reaped(decided_for(0, core::Reason::Timeout), 0).cause, Cause::Undecided);
    Progress heard = decided_for(0, core::Reason::Timeout);
    heard.heard = 1;
    EXPECT_EQ(reaped(heard, 0).cause, Cause::None);
    EXPECT_EQ(reaped(decided_for(1, core::Reason::Timeout), 0).cause, Cause::None)
        << "of a program it is not known";
    // Health checks of a balancer send nothing.
    EXPECT_EQ(reaped(decided_for(Progress::kNone, core::Reason::Eof), 0).cause, Cause::None);
    record().is_excess = true;
    EXPECT_EQ(reaped({}, SIGKILL).cause, Cause::Undecided);
}

TEST_F(AccountingTest, TellsOfACrashOfADispatcherAndNotOfAProgram) {
    for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP}) {
        EXPECT_EQ(reaped({}, signal).cause, Cause::Crash) << signal;
        EXPECT_EQ(reaped(decided_for(0), signal).cause, Cause::Crash) << signal;
        EXPECT_EQ(reaped(decided_for(2), signal).cause, Cause::Crash) << "beside a program";
        EXPECT_EQ(reaped(decided_for(1), signal).cause, Cause::None) << "that is the program";
    }
    for (const int signal : {SIGKILL, SIGTERM, SIGHUP}) {
        EXPECT_EQ(reaped({}, signal).cause, Cause::None) << signal;
    }
}

TEST_F(AccountingTest, TellsThePenaltyOfAProgram) {
    constexpr auto exit = [](int code) { return W_EXITCODE(code, 0); };
    EXPECT_EQ(reaped(decided_for(1), exit(5)).penalty, 50U);
    EXPECT_EQ(reaped(decided_for(1), exit(0)).penalty, 0U);
    EXPECT_EQ(reaped(decided_for(1), exit(6)).penalty, 0U);
    EXPECT_EQ(reaped(decided_for(1), SIGTERM).penalty, 9U);
    EXPECT_EQ(reaped(decided_for(0), exit(5)).penalty, 0U) << "no program";
    Progress beside = decided_for(2);
    EXPECT_EQ(reaped(beside, exit(5)).penalty, 0U) << "the dispatcher's own";
    beside.ended = 1;
    beside.status = exit(5);
    EXPECT_EQ(reaped(beside, exit(0)).penalty, 50U);
}

TEST_F(AccountingTest, EndsAProgramOnlyIfItsClientHasSentNothingSince) {
    constexpr std::chrono::milliseconds kDeadline{60};
    loopback::Pair pair = loopback::tcp_pair();
    record().arrival.ends = {*sys::peer_address(pair.near.get()),
                             *sys::local_address(pair.near.get())};
    record().arrival.accepted = Clock::now();
    record().arrival.hurry = kDeadline;
    ASSERT_TRUE(loopback::send_all(pair.far.get(), "a beginning"));
    EXPECT_TRUE(accounting().may_end(kPid, record())) << "undecided";
    ASSERT_TRUE(loopback::comes_true(
        [&] { return sys::silence_of(record().arrival.ends) >= 2 * kDeadline; }));
    EXPECT_FALSE(note(decided_for(1, core::Reason::Timeout)));
    EXPECT_FALSE(record().is_decided);
    EXPECT_TRUE(accounting().may_end(kPid, record())) << "it has said too little";
    ASSERT_TRUE(loopback::send_all(pair.far.get(), "x"));
    EXPECT_TRUE(loopback::comes_true([&] { return !accounting().may_end(kPid, record()); }));
    EXPECT_TRUE(record().is_decided);
}

// The zygote may read that a client was late after the client has answered the program.
TEST_F(AccountingTest, CountsWhatCameAfterTheDeadlineAndBeforeTheNews) {
    constexpr std::chrono::milliseconds kDeadline{20};
    loopback::Pair pair = loopback::tcp_pair();
    record().arrival.ends = {*sys::peer_address(pair.near.get()),
                             *sys::local_address(pair.near.get())};
    record().arrival.accepted = Clock::now();
    record().arrival.hurry = kDeadline;
    ASSERT_TRUE(loopback::comes_true(
        [&] { return Clock::now() > record().arrival.accepted + 2 * kDeadline; }));
    ASSERT_TRUE(loopback::send_all(pair.far.get(), "x"));
    ASSERT_TRUE(
        loopback::comes_true([&] { return loopback::events_of(pair.near.get(), POLLIN) != 0; }));
    EXPECT_FALSE(note(decided_for(1, core::Reason::Timeout)));
    EXPECT_FALSE(accounting().may_end(kPid, record()));
}

TEST_F(AccountingTest, DoesNotEndAProgramOfWhichNothingIsKnown) {
    record().arrival.ends = documented_ends();
    EXPECT_FALSE(note(decided_for(1, core::Reason::Timeout)));
    EXPECT_FALSE(accounting().may_end(kPid, record()));
}

}  // namespace
}  // namespace portsplit::dispatch
