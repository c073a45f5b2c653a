#include "dispatch/log_line.h"

#include <ares.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <iterator>
#include <limits>
#include <optional>
#include <random>
#include <string>

#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

using namespace std::chrono_literals;

constexpr std::int32_t kSsh = 0;
constexpr std::int32_t kWeb = 1;
constexpr std::int32_t kShell = 2;

const core::Plan& plan() {
    static const core::Plan plan = plan_of(
        {service("ssh", {"SSH-"}, core::Connect{{{"127.0.0.1", 22}, {"vpn.example", 1194}}}),
         service("web", {"GET "}, program("/usr/sbin/httpd", {"-i"})),
         service("shell", {"sh"}, program("/bin/sh", {}, core::Stdio::Pty)),
         service(core::kFallback, {}, to("::1", 8443))});
    return plan;
}

sys::Ends ends() {
    return {*sys::Address::from(core::Endpoint{"192.0.2.7", 50022}),
            *sys::Address::from(core::Endpoint{"192.0.2.1", 443})};
}

/// What is told of a connection that was decided for a service.
Progress decided_for(std::int32_t index, core::Reason reason = core::Reason::Match) {
    Progress progress;
    progress.decided = 1;
    progress.reason = reason;
    progress.service = index;
    return progress;
}

std::string line(const Progress& progress, std::optional<int> status = 0) {
    return connection_line(plan(), ends(), progress, status, 91ms);
}

TEST(ConnectionLine, OfARelayNamesItsTargetAndCounts) {
    Progress progress = decided_for(kSsh);
    progress.target = 0;
    progress.counted = 1;
    progress.bytes_in = 1234;
    progress.bytes_out = 5678;
    EXPECT_EQ(line(progress),
              "service=ssh reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=connect target=127.0.0.1:22 in=1234 out=5678 ms=91");
    progress.target = 1;
    EXPECT_EQ(line(progress),
              "service=ssh reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=connect target=vpn.example:1194 in=1234 out=5678 ms=91");
}

TEST(ConnectionLine, PutsBracketsRoundAnIPv6TargetOnly) {
    Progress progress = decided_for(3, core::Reason::Fallback);
    progress.target = 0;
    progress.counted = 1;
    const sys::Ends v6{*sys::Address::from(core::Endpoint{"2001:db8::7", 50022}),
                       *sys::Address::from(core::Endpoint{"2001:db8::1", 443})};
    EXPECT_EQ(connection_line(plan(), v6, progress, 0, 0ms),
              "service=fallback reason=fallback src=2001:db8::7 sport=50022 dst=2001:db8::1 "
              "dport=443 action=connect target=[::1]:8443 in=0 out=0 ms=0");
}

TEST(ConnectionLine, OfATargetThatNobodyReachedSaysHowTheDispatcherEnded) {
    EXPECT_EQ(line(decided_for(kSsh, core::Reason::Timeout), 111 << 8),
              "service=ssh reason=timeout src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=connect target=- in=- out=- ms=91 exit=111");
}

TEST(ConnectionLine, OfADispatcherThatCrashedNamesTheSignal) {
    EXPECT_EQ(line(Progress{}, SIGSEGV),
              "service=- reason=- src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=close target=- in=0 out=0 ms=91 signal=SEGV");
}

TEST(ConnectionLine, OfAProgramOnTheSocketAlwaysSaysHowItEnded) {
    EXPECT_EQ(line(decided_for(kWeb)),
              "service=web reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=exec target=/usr/sbin/httpd in=- out=- ms=91 exit=0");
    EXPECT_EQ(line(decided_for(kWeb), 127 << 8),
              "service=web reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=exec target=/usr/sbin/httpd in=- out=- ms=91 exit=127");
    EXPECT_EQ(line(decided_for(kWeb), SIGTERM),
              "service=web reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=exec target=/usr/sbin/httpd in=- out=- ms=91 signal=TERM");
}

TEST(ConnectionLine, OfAProgramThatTakesThisProcessDoesNotSayHowItWillEnd) {
    EXPECT_EQ(line(decided_for(kWeb), std::nullopt),
              "service=web reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=exec target=/usr/sbin/httpd in=- out=- ms=91");
}

TEST(ConnectionLine, OfAProgramBesideItsDispatcherSaysHowTheProgramEnded) {
    Progress progress = decided_for(kShell);
    progress.counted = 1;
    progress.bytes_in = 1;
    progress.bytes_out = 2;
    progress.ended = 1;
    progress.status = SIGHUP;
    EXPECT_EQ(line(progress),
              "service=shell reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=exec target=/bin/sh in=1 out=2 ms=91 signal=HUP");
}

TEST(ConnectionLine, OfAClientThatWasClosedNamesNoService) {
    EXPECT_EQ(line(decided_for(Progress::kNone, core::Reason::Eof)),
              "service=- reason=eof src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=close target=- in=0 out=0 ms=91");
    EXPECT_EQ(line(decided_for(Progress::kNone, core::Reason::Fallback)),
              "service=- reason=fallback src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=close target=- in=0 out=0 ms=91");
}

TEST(ConnectionLine, OfAUnixDomainPeerHasDashes) {
    EXPECT_EQ(connection_line(plan(), {}, decided_for(Progress::kNone), 0, 5ms),
              "service=- reason=match src=- sport=0 dst=- dport=0 "
              "action=close target=- in=0 out=0 ms=5");
}

/// The sentence for what failed.
std::string sentence(std::int32_t index, Failure failure) {
    Progress progress = decided_for(index);
    progress.failure = failure;
    return failure_line(plan(), ends(), progress);
}

TEST(FailureLine, NamesTheTargetThatCouldNotBeReached) {
    EXPECT_EQ(sentence(kSsh, {Stage::Connect, ECONNREFUSED, 0}),
              "cannot connect to 127.0.0.1:22 for service ssh, client 192.0.2.7:50022: "
              "Connection refused");
    EXPECT_EQ(sentence(kSsh, {Stage::Connect, ETIMEDOUT, 1}),
              "cannot connect to vpn.example:1194 for service ssh, client 192.0.2.7:50022: "
              "Connection timed out");
}

TEST(FailureLine, NamesTheNameThatCouldNotBeResolved) {
    EXPECT_EQ(sentence(kSsh, {Stage::Resolve, ARES_ENOTFOUND, 1}),
              "cannot resolve vpn.example for service ssh, client 192.0.2.7:50022: "
              "Domain name not found");
}

TEST(FailureLine, NamesTheProgramThatCouldNotBeStarted) {
    EXPECT_EQ(sentence(kWeb, {Stage::Start, ENOENT, 0}),
              "cannot start /usr/sbin/httpd for service web, client 192.0.2.7:50022: "
              "No such file or directory");
}

TEST(GaveUpLine, NamesTheServiceAndTheClient) {
    Progress progress;
    progress.gave_up = kSsh;
    EXPECT_EQ(gave_up_line(plan(), ends(), progress),
              "the expression of service ssh took too long on what client 192.0.2.7:50022 sent, "
              "which counts as no");
}

TEST(FailureLine, SaysThatNobodyCouldLook) {
    EXPECT_EQ(sentence(Progress::kNone, {Stage::Look, ENOMEM, 0}),
              "cannot look at the first bytes for service -, client 192.0.2.7:50022: "
              "Cannot allocate memory");
}

TEST(BecomesProgram, IsTrueForAProgramOnTheSocketOnly) {
    EXPECT_TRUE(becomes_program(plan(), decided_for(kWeb)));
    EXPECT_FALSE(becomes_program(plan(), decided_for(kShell)));
    EXPECT_FALSE(becomes_program(plan(), decided_for(kSsh)));
    EXPECT_FALSE(becomes_program(plan(), Progress{}));
}

TEST(IsValid, AcceptsWhatADispatcherTells) {
    EXPECT_TRUE(is_valid(plan(), Progress{}));
    EXPECT_TRUE(is_valid(plan(), decided_for(kSsh)));
    EXPECT_TRUE(is_valid(plan(), decided_for(kWeb)));
    EXPECT_TRUE(is_valid(plan(), decided_for(Progress::kNone, core::Reason::Eof)));
    Progress failed = decided_for(kSsh);
    failed.failure = {Stage::Connect, ECONNREFUSED, 1};
    EXPECT_TRUE(is_valid(plan(), failed));
    Progress reached = decided_for(kSsh);
    reached.target = 1;
    EXPECT_TRUE(is_valid(plan(), reached));
}

/// Whether a message that is right but for this one change is accepted.
template <typename Change>
bool is_valid_with(std::int32_t index, Change change) {
    Progress progress = decided_for(index);
    change(progress);
    return is_valid(plan(), progress);
}

TEST(IsValid, RefusesAServiceThatThePlanDoesNotHave) {
    for (const std::int32_t index : {4, -2, std::numeric_limits<std::int32_t>::max(),
                                     std::numeric_limits<std::int32_t>::min()}) {
        EXPECT_FALSE(is_valid_with(index, [](Progress&) {})) << index;
        EXPECT_FALSE(is_valid_with(kSsh, [&](Progress& told) { told.gave_up = index; })) << index;
    }
}

TEST(IsValid, RefusesATargetThatTheServiceDoesNotHave) {
    for (const std::int32_t target : {2, -2, std::numeric_limits<std::int32_t>::max(),
                                      std::numeric_limits<std::int32_t>::min()}) {
        EXPECT_FALSE(is_valid_with(kSsh, [&](Progress& told) { told.target = target; })) << target;
    }
    EXPECT_FALSE(is_valid_with(kWeb, [](Progress& told) { told.target = 0; }));
    EXPECT_FALSE(is_valid_with(Progress::kNone, [](Progress& told) { told.target = 0; }));
    EXPECT_FALSE(is_valid_with(kSsh, [](Progress& told) {
        told.failure = {Stage::Connect, ECONNREFUSED, 2};
    }));
    EXPECT_FALSE(is_valid_with(kSsh, [](Progress& told) {
        told.failure = {Stage::Resolve, 1, std::numeric_limits<std::uint32_t>::max()};
    }));
}

TEST(IsValid, RefusesAReasonThatHasNoWord) {
    for (const int reason : {4, -1, 1'000'000, std::numeric_limits<int>::min()}) {
        EXPECT_FALSE(is_valid_with(kSsh, [&](Progress& told) {
            told.reason = static_cast<core::Reason>(reason);
        })) << reason;
    }
}

TEST(IsValid, RefusesAStageThatHasNoWords) {
    for (const std::uint32_t stage : {5U, 0x80000000U, 0xffffffffU}) {
        EXPECT_FALSE(is_valid_with(kSsh, [&](Progress& told) {
            told.failure.stage = static_cast<Stage>(stage);
        })) << stage;
    }
}

/// A number that is right now and then, or as somebody would choose it who wants to reach beyond a
/// table.
template <typename Number>
Number hostile(std::mt19937_64& random) {
    constexpr std::int64_t kChoices[] = {3,   4,   5,     -2,         127,
                                         128, 255, 32767, 0x7fffffff, -0x80000000LL};
    if (random() % 3 != 0) return static_cast<Number>(static_cast<std::int64_t>(random() % 4) - 1);
    return static_cast<Number>(kChoices[random() % std::size(kChoices)]);
}

TEST(IsValid, LetsThroughOnlyWhatCanBeWritten) {
    std::mt19937_64 random(20240601);
    int accepted = 0;
    for (int i = 0; i < 100'000; ++i) {
        Progress told;
        told.decided = hostile<std::uint8_t>(random);
        told.counted = hostile<std::uint8_t>(random);
        told.ended = hostile<std::uint8_t>(random);
        told.reason = static_cast<core::Reason>(hostile<int>(random));
        told.service = hostile<std::int32_t>(random);
        told.target = hostile<std::int32_t>(random);
        told.status = hostile<std::int32_t>(random);
        told.bytes_in = random();
        told.bytes_out = random();
        told.failure = {static_cast<Stage>(hostile<std::uint32_t>(random)),
                        hostile<std::int32_t>(random), hostile<std::uint32_t>(random)};
        if (!is_valid(plan(), told)) continue;
        ++accepted;
        // What is accepted must be writable: no crash, one line, every field filled.
        const std::string written = line(told, hostile<int>(random));
        ASSERT_EQ(written.find("= "), std::string::npos) << written;
        ASSERT_EQ(written.find('\n'), std::string::npos) << written;
        static_cast<void>(becomes_program(plan(), told));
        if (told.failure.stage != Stage::None) {
            ASSERT_FALSE(failure_line(plan(), ends(), told).ends_with(": "));
        }
    }
    EXPECT_GT(accepted, 1000) << "most of the test is in what is accepted";
}

}  // namespace
}  // namespace portsplit::dispatch
