#include "dispatch/log_line.h"

#include <ares.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <optional>
#include <string>

#include "core/proxy_reader.h"
#include "support/progress_of.h"

namespace portsplit::dispatch {
namespace {

using namespace std::chrono_literals;

std::string line(const Progress& progress, std::optional<int> status = 0) {
    return connection_line(each_action(), documented_ends(), progress, status, 91ms);
}

TEST(ConnectionLine, NamesTheTargetAndTheCountsOfARelay) {
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

TEST(ConnectionLine, PutsBracketsAroundAnIPv6TargetOnly) {
    Progress progress = decided_for(kFallbackService, core::Reason::Fallback);
    progress.target = 0;
    progress.counted = 1;
    const sys::Ends v6{*sys::Address::from(core::Endpoint{"2001:db8::7", 50022}),
                       *sys::Address::from(core::Endpoint{"2001:db8::1", 443})};
    EXPECT_EQ(connection_line(each_action(), v6, progress, 0, 0ms),
              "service=fallback reason=fallback src=2001:db8::7 sport=50022 dst=2001:db8::1 "
              "dport=443 action=connect target=[::1]:8443 in=0 out=0 ms=0");
}

TEST(ConnectionLine, NamesTheExitCodeWhenNoTargetAnswered) {
    EXPECT_EQ(line(decided_for(kSsh, core::Reason::Timeout), 111 << 8),
              "service=ssh reason=timeout src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=connect target=- in=- out=- ms=91 exit=111");
}

TEST(ConnectionLine, NamesTheSignalThatKilledADispatcher) {
    EXPECT_EQ(line(Progress{}, SIGSEGV),
              "service=- reason=- src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=close target=- in=0 out=0 ms=91 signal=SEGV");
}

TEST(ConnectionLine, NamesTheExitCodeOrTheSignalOfAProgramOnTheSocket) {
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

TEST(ConnectionLine, OmitsTheEndOfAProgramThatStillRuns) {
    EXPECT_EQ(line(decided_for(kWeb), std::nullopt),
              "service=web reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=exec target=/usr/sbin/httpd in=- out=- ms=91");
}

TEST(ConnectionLine, NamesTheEndOfAProgramBesideItsDispatcher) {
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

TEST(ConnectionLine, NamesNoServiceForAClientThatWasClosed) {
    EXPECT_EQ(line(decided_for(Progress::kNone, core::Reason::Eof)),
              "service=- reason=eof src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=close target=- in=0 out=0 ms=91");
    EXPECT_EQ(line(decided_for(Progress::kNone, core::Reason::Fallback)),
              "service=- reason=fallback src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
              "action=close target=- in=0 out=0 ms=91");
}

TEST(ConnectionLine, HasDashesForTheAddressesOfAUnixSocket) {
    EXPECT_EQ(connection_line(each_action(), {}, decided_for(Progress::kNone), 0, 5ms),
              "service=- reason=match src=- sport=0 dst=- dport=0 "
              "action=close target=- in=0 out=0 ms=5");
}

/// The failure line of a connection decided for a service.
std::string sentence(std::int32_t index, Failure failure) {
    Progress progress = decided_for(index);
    progress.failure = failure;
    return failure_line(each_action(), {.ends = documented_ends()}, progress);
}

TEST(FailureLine, NamesTheTargetThatDidNotAnswer) {
    EXPECT_EQ(sentence(kSsh, {Stage::Connect, ECONNREFUSED, 0}),
              "cannot connect to 127.0.0.1:22 for service ssh, client 192.0.2.7:50022: "
              "Connection refused");
    EXPECT_EQ(sentence(kSsh, {Stage::Connect, ETIMEDOUT, 1}),
              "cannot connect to vpn.example:1194 for service ssh, client 192.0.2.7:50022: "
              "Connection timed out");
}

TEST(FailureLine, NamesTheUserOfAClientOverAUnixSocket) {
    Progress progress = decided_for(kSsh);
    progress.failure = {Stage::Connect, ECONNREFUSED, 0};
    const sys::Arrival arrival{.ends = {sys::Address::of_unix(""), sys::Address::of_unix("/run/s")},
                               .credentials = {1000, 100, 4711}};
    EXPECT_EQ(
        failure_line(each_action(), arrival, progress),
        "cannot connect to 127.0.0.1:22 for service ssh, client unix uid=1000 gid=100 pid=4711: "
        "Connection refused");
    progress.failure = {Stage::Header, static_cast<int>(core::ProxyFault::Signature), 0};
    EXPECT_EQ(failure_line(each_action(), arrival, progress).substr(0, 59),
              "no valid PROXY header from unix uid=1000 gid=100 pid=4711: ");
}

TEST(FailureLine, NamesTheHostThatHasNoAddress) {
    EXPECT_EQ(sentence(kSsh, {Stage::Resolve, ARES_ENOTFOUND, 1}),
              "cannot resolve vpn.example for service ssh, client 192.0.2.7:50022: "
              "Domain name not found");
}

TEST(FailureLine, NamesTheProgramThatDidNotStart) {
    EXPECT_EQ(sentence(kWeb, {Stage::Start, ENOENT, 0}),
              "cannot start /usr/sbin/httpd for service web, client 192.0.2.7:50022: "
              "No such file or directory");
}

TEST(FailureLine, NamesTheTerminalThatCouldNotBeOpened) {
    EXPECT_EQ(sentence(kWeb, {Stage::Terminal, EACCES, 0}),
              "cannot open a terminal for /usr/sbin/httpd for service web, client 192.0.2.7:50022: "
              "Permission denied");
}

TEST(GaveUpLine, NamesTheServiceAndTheClient) {
    Progress progress;
    progress.gave_up = kSsh;
    EXPECT_EQ(gave_up_line(each_action(), {.ends = documented_ends()}, progress),
              "the expression of service ssh took too long on the bytes of client 192.0.2.7:50022; "
              "it counts as no");
}

TEST(FailureLine, NamesNoServiceWhenPeekingFailed) {
    EXPECT_EQ(sentence(Progress::kNone, {Stage::Look, ENOMEM, 0}),
              "cannot look at the first bytes for service -, client 192.0.2.7:50022: "
              "Cannot allocate memory");
}

}  // namespace
}  // namespace portsplit::dispatch
