#include "dispatch/sandbox.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <iterator>
#include <string>

#include "dispatch/progress_channel.h"
#include "support/child.h"
#include "support/loopback.h"
#include "support/plans.h"
#include "sys/address.h"
#include "sys/channel.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::string_literals;

core::Config connecting(const core::List<core::Endpoint>& targets,
                        core::Sandbox sandbox = core::Sandbox::Auto) {
    core::Config config;
    config.sandbox = sandbox;
    config.services = {service("s", {"x"}, core::Connect{targets})};
    return config;
}

TEST(WorkFor, FindsWhatTheTargetsNeed) {
    const core::List<core::Endpoint> listeners = {{"*", 443}};
    const auto work = [&](const core::Endpoint& target) {
        return work_for(connecting({{"127.0.0.1", 22}, target}), listeners);
    };
    EXPECT_FALSE(work({"::1", 22}).names);
    EXPECT_TRUE(work({"localhost", 22}).names);
    EXPECT_FALSE(work({"fe80::1%nosuch0", 22}).names);
    EXPECT_TRUE(work({"fe80::1%nosuch0", 22}).zones);
    EXPECT_FALSE(work({"unix:/run/a", 0}).names);
    EXPECT_TRUE(work({"unix:/run/a", 0}).unix_targets);
    EXPECT_FALSE(work({"::1", 22}).unix_targets);
    EXPECT_FALSE(work({"192.0.2.1", 444}).own_addresses);
    EXPECT_TRUE(work({"192.0.2.1", 443}).own_addresses);
    EXPECT_FALSE(work({"::1", 22}).transparent);
    core::Config transparent = connecting({{"192.0.2.1", 22}});
    std::get<core::Connect>(transparent.services[0].action).transparent = true;
    EXPECT_TRUE(work_for(transparent, {}).transparent);
}

TEST(ReachFor, IsThePortsOfTheTargets) {
    const sys::Reach reach =
        reach_for(connecting({{"127.0.0.1", 22}, {"unix:/run/a", 0}, {"::1", 80}}));
    EXPECT_THAT(reach.ports, ElementsAre(22, 80));
    EXPECT_THAT(reach.readable, IsEmpty());
    EXPECT_FALSE(reach.binds);
    EXPECT_FALSE(reach.abstract_sockets);
}

TEST(ReachFor, HasAbstractNamesForTheirTargets) {
    EXPECT_TRUE(reach_for(connecting({{"unix:@a", 0}})).abstract_sockets);
}

TEST(ReachFor, HasTheDnsAndItsFilesForNames) {
    const sys::Reach reach = reach_for(connecting({{"a.example", 22}}));
    EXPECT_THAT(reach.ports, ElementsAre(22, 53));
    EXPECT_THAT(reach.readable, Contains("/etc"));
    EXPECT_THAT(reach.readable, Not(Contains("/")));
}

TEST(ReachFor, LetsTransparentSocketsBeBound) {
    core::Config config = connecting({{"192.0.2.1", 22}});
    std::get<core::Connect>(config.services[0].action).transparent = true;
    EXPECT_TRUE(reach_for(config).binds);
}

/// Confines a child, and returns what it reports and whether it may go on.
std::string report_of(const core::Config& config, const Means& means) {
    return loopback::text_of_child([&] {
        const Confinement confinement = confine(config, {}, means);
        return (confinement.is_refused ? "refused: " : "") + confinement.report;
    });
}

#if !defined(__SANITIZE_ADDRESS__)  // such a build confines nothing

core::Config starting(core::Sandbox sandbox) {
    core::Config config = connecting({{"127.0.0.1", 22}}, sandbox);
    config.services.push_back(service("ssh", {"S"}, program("/bin/cat")));
    return config;
}

TEST(Confine, ReportsWhatTheKernelGave) {
    const core::Config config = connecting({{"127.0.0.1", 22}});
    const int kernel = sys::landlock_version();
    if (kernel < 1) GTEST_SKIP() << "needs a kernel with Landlock";
    EXPECT_EQ(report_of(config, {false, 1}),
              "sandbox: Landlock ABI 1 (files); no filter of system calls, for this kernel or "
              "processor has none");
    EXPECT_EQ(report_of(config, {true, 0}),
              "sandbox: seccomp; no Landlock, which this kernel does not have or has off");
    EXPECT_EQ(report_of(config, {}),
              "sandbox: none: no filter of system calls, for this kernel or processor has none; no "
              "Landlock, which this kernel does not have or has off");
    if (kernel < 6) GTEST_SKIP() << "needs Linux 6.12";
    EXPECT_EQ(report_of(config, {true, 3}), "sandbox: seccomp, Landlock ABI 3 (files)");
    EXPECT_EQ(report_of(config, {true, 4}), "sandbox: seccomp, Landlock ABI 4 (files, TCP)");
    EXPECT_EQ(report_of(config, {true, 6}),
              "sandbox: seccomp, Landlock ABI 6 (files, TCP, signals)");
}

// fault: A11
TEST(Confine, RefusesALackOnlyIfRequired) {
    const core::Config config = connecting({{"127.0.0.1", 22}}, core::Sandbox::Required);
    EXPECT_EQ(
        report_of(config, {true, 0}),
        "refused: sandbox = required: no Landlock, which this kernel does not have or has off");
    EXPECT_EQ(
        report_of(config, {false, 0}),
        "refused: sandbox = required: no filter of system calls, for this kernel or processor "
        "has none; no Landlock, which this kernel does not have or has off");
    if (sys::landlock_version() < 1) GTEST_SKIP() << "needs a kernel with Landlock";
    EXPECT_EQ(report_of(config, {true, 1}), "sandbox: seccomp, Landlock ABI 1 (files)");
}

// fault: F8
TEST(Confine, LetsTheZygoteReplaceAChannelThatWasShut) {
    const auto outcome = loopback::text_of_child([] {
        sys::Log log = sys::Log::to_descriptor(sys::UniqueFd(::open("/dev/null", O_WRONLY)));
        auto channel = ProgressChannel::create(log, ProgressChannel::Takes::Bytes);
        ProgressChannel::Buffer buffer;
        if (!channel || ::shutdown(channel->writing_end(), SHUT_RDWR) != 0) return "not set up"s;
        (void)confine(connecting({{"127.0.0.1", 22}}), Work{.forks = true});
        if (channel->next(buffer) || !channel->is_open()) return "not replaced"s;
        const bool is_heard =
            sys::send_message(channel->writing_end(), core::as_bytes("x"), -1, 0).ok();
        return is_heard ? "replaced"s : "mute"s;
    });
    EXPECT_EQ(outcome, "replaced");
}

// fault: A11
TEST(Confine, GoesOnWithoutWhatFails) {
    const core::Config config = connecting({{"127.0.0.1", 22}});
    // The kernel refuses one more domain after 16.
    const auto report = [&](const core::Config& last) {
        return loopback::text_of_child([&] {
            for (int i = 0; i < 16; ++i) (void)confine(config, {}, {false, 1});
            const Confinement confinement = confine(last, {}, {true, 1});
            return (confinement.is_refused ? "refused: " : "") + confinement.report;
        });
    };
    if (sys::landlock_version() < 1) GTEST_SKIP() << "needs a kernel with Landlock";
    EXPECT_EQ(report(config), "sandbox: seccomp; cannot use Landlock: Argument list too long");
    EXPECT_EQ(report(connecting({{"127.0.0.1", 22}}, core::Sandbox::Required)),
              "refused: sandbox = required: cannot use Landlock: Argument list too long");
}

/// As the filter of a service manager that does not know a call: it ends the process.
bool forbid(int number) {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{std::size(code), code};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(MeansOfKernel, LeaveOutWhatAnEarlierFilterForbids) {
    const auto means_without = [](int number) {
        return loopback::text_of_child([=]() -> std::string {
            if (!forbid(number)) return "cannot forbid";
            const Means means = Means::of_kernel();
            return std::to_string(means.filter ? 1 : 0) + " " + std::to_string(means.landlock);
        });
    };
    const std::string landlock = std::to_string(sys::landlock_version());
    EXPECT_EQ(means_without(SYS_seccomp), "0 " + landlock);
    EXPECT_EQ(means_without(SYS_landlock_create_ruleset), "1 0");
    EXPECT_EQ(means_without(SYS_vmsplice), "1 " + landlock);
}

/// What a relay of a generation with a program is given; with `refused: ` if the generation must not start.
std::string relays_of(const core::Config& config, const Means& means) {
    const RelaySandbox relays = RelaySandbox::prepare(config, means);
    const Confinement& confinement = relays.confinement();
    return (confinement.is_refused ? "refused: " : "") + confinement.report;
}

TEST(RelaySandbox, ReportsWhatTheKernelGave) {
    const core::Config config = starting(core::Sandbox::Auto);
    EXPECT_EQ(relays_of(config, {true, 0}),
              "sandbox: none: no Landlock, which this kernel does not have or has off, of relays; "
              "service ssh starts a program");
    EXPECT_EQ(
        relays_of(starting(core::Sandbox::Required), {true, 0}),
        "refused: sandbox = required: no Landlock, which this kernel does not have or has off");
    EXPECT_EQ(relays_of(starting(core::Sandbox::Off), {true, 1}), "");
    if (sys::landlock_version() < 1) GTEST_SKIP() << "needs a kernel with Landlock";
    EXPECT_EQ(relays_of(config, {false, 1}),
              "sandbox: Landlock ABI 1 (files), of relays; service ssh starts a program");
    EXPECT_EQ(relays_of(starting(core::Sandbox::Required), {true, 1}),
              "sandbox: Landlock ABI 1 (files), of relays; service ssh starts a program");
}

TEST(RelaySandbox, LeavesARelayItsTargetsAndNothingElse) {
    if (sys::landlock_version() < sys::kLandlockWithScopes) GTEST_SKIP() << "needs Linux 6.12";
    const sys::UniqueFd target = loopback::listener_on("127.0.0.1");
    const sys::UniqueFd other = loopback::listener_on("127.0.0.1");
    core::Config config = starting(core::Sandbox::Auto);
    std::get<core::Connect>(config.services[0].action).targets = {
        {"127.0.0.1", loopback::port_of(target)}};
    const RelaySandbox relays = RelaySandbox::prepare(config);
    const std::string outcome = loopback::text_of_child([&]() -> std::string {
        if (const auto entered = relays.enter(); !entered) return sys::to_string(entered.error());
        const auto code = [](bool works) {
            return works ? std::string("works ") : sys::error_text(errno) + " ";
        };
        const auto connects = [&](std::uint16_t port) {
            const auto address = sys::Address::from(core::Endpoint{"127.0.0.1", port});
            const sys::UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
            return ::connect(fd.get(), address->data(), address->size()) == 0;
        };
        std::string text =
            code(connects(loopback::port_of(target))) + code(connects(loopback::port_of(other))) +
            code(::open("/etc/passwd", O_RDONLY) >= 0) + code(::kill(::getppid(), 0) == 0);
        rlimit processes{};
        ::getrlimit(RLIMIT_NPROC, &processes);
        return text + std::to_string(processes.rlim_max);
    });
    EXPECT_EQ(outcome, "works Permission denied Permission denied Operation not permitted 0");
}

TEST(RelaySandbox, OfOffIsOff) {
    EXPECT_FALSE(RelaySandbox::prepare(starting(core::Sandbox::Off)).is_on());
    EXPECT_TRUE(RelaySandbox::prepare(starting(core::Sandbox::Auto)).is_on());
}

#else

TEST(Confine, SaysThatThisBuildConfinesNothing) {
    EXPECT_EQ(report_of(connecting({{"127.0.0.1", 22}}), Means::of_kernel()),
              "sandbox: none, for this build has AddressSanitizer");
}

#endif

TEST(Confine, DoesNothingIfOff) {
    EXPECT_EQ(report_of(connecting({{"127.0.0.1", 22}}, core::Sandbox::Off), Means::of_kernel()),
              "");
}

}  // namespace
}  // namespace portsplit::dispatch
