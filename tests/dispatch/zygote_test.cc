#include "dispatch/zygote.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/progress.h"
#include "dispatch/spares.h"
#include "handoff.h"
#include "support/child.h"
#include "support/log_text.h"
#include "support/loopback.h"
#include "support/plans.h"
#include "sys/channel.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/reaper.h"
#include "sys/signals.h"

namespace portsplit::dispatch {
namespace {

using loopback::Child;
using loopback::comes_true;
using loopback::Pair;
using loopback::read_reply;
using loopback::Reply;
using loopback::send_all;
using sys::UniqueFd;

/// Returns the progress channel of a dispatcher: the only sequenced-packet socket that a spare keeps.
int progress_channel() {
    for (int fd = 3; fd < 1024; ++fd) {
        int type = 0;
        socklen_t length = sizeof type;
        if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET) {
            return fd;
        }
    }
    return -1;
}

template <typename Message>
void send_progress(const Message& message, std::size_t size = sizeof(Message)) {
    (void)sys::send_message(progress_channel(), std::as_bytes(std::span(&message, 1)).first(size),
                            -1, 0);
}

/// A valid message that no connection of these tests has a reason to send.
Progress boast() {
    Progress progress;
    progress.decided = 1;
    progress.service = 0;
    progress.reason = core::Reason::Timeout;
    return progress;
}

void send_nonsense() {
    for (const std::int32_t number : {0x7fffffff, -0x7fffffff, 2}) {
        Progress progress = boast();
        progress.service = number;
        send_progress(progress);
        progress = {};
        progress.gave_up = number;
        send_progress(progress);
        progress = {};
        progress.target = number;
        send_progress(progress);
    }
    const struct {
        Progress progress = boast();
        char more = 'x';
    } longer;
    send_progress(longer);
    send_progress(longer, sizeof(Progress) - 1);
    send_progress(longer, sizeof(Progress) + 1);
    send_progress(longer, 1);
}

/// Sends failures to the zygote until the zygote is gone. On one processor with the zygote, and with a
/// real-time priority, it preempts the zygote as soon as the channel has room, so that the channel is
/// never empty. Without root it has an ordinary priority, and the channel may be empty at times.
void flood() {
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &here);
    const sched_param least{.sched_priority = 1};
    ::sched_setaffinity(::getppid(), sizeof here, &here);
    ::sched_setaffinity(0, sizeof here, &here);
    ::sched_setscheduler(0, SCHED_FIFO, &least);
    Progress progress;
    progress.failure = {Stage::Look, EIO, 0};
    const int channel = progress_channel();
    while (true) {
        const auto sent = sys::send_message(channel, std::as_bytes(std::span(&progress, 1)), -1, 0);
        if (!sent && sent.error().code != EAGAIN) return;
    }
}

/// A dispatcher that obeys its client as a compromised one obeys an attacker, one letter at a time,
/// and acknowledges each with a full stop:
///   h  publish a verdict, as an honest dispatcher does
///   n  send messages that are not valid
///   s  shut the progress channel
///   k  kill its process group
///   f  flood the progress channel
///   c  publish a verdict from a child, which serves no connection
///   x  exit with code 5, without a full stop
/// Any other letter does nothing.
int obey(Client client, const Setting&, Reporter& reporter) {
    char order = 0;
    while (::read(client.fd.get(), &order, 1) == 1) {
        if (order == 'h') {
            reporter.set_verdict({1, core::Reason::Match});
            reporter.publish();
        }
        if (order == 'n') send_nonsense();
        if (order == 's') ::shutdown(progress_channel(), SHUT_RDWR);
        if (order == 'k') ::kill(0, SIGKILL);
        if (order == 'c') Child([] { return send_progress(boast()), 0; }).status();
        if (order == 'x') return 5;
        if (::write(client.fd.get(), ".", 1) != 1) return 0;
        if (order == 'f') flood();
    }
    return 0;
}

/// A zygote and the daemon's end of its channel.
class ZygoteTest : public testing::Test {
  protected:
    explicit ZygoteTest(ServeFunction serve_connection = &serve,
                        const std::function<void()>& prepare = {}) {
        auto channel = sys::channel_pair();
        int log[2] = {-1, -1};
        EXPECT_TRUE(channel);
        EXPECT_EQ(::pipe2(log, O_CLOEXEC), 0);
        log_.reset(log[0]);
        UniqueFd log_to(log[1]);
        channel_ = std::move(channel->first);
        zygote_ = std::make_unique<Child>([&] {
            channel_.reset();
            log_.reset();
            sys::reset_signals();
            sys::ignore_signal(SIGPIPE);
            sys::ignore_signal(SIGHUP);
            // Not the number that handoff.h names for the channel.
            UniqueFd log_fd(::fcntl(log_to.get(), F_DUPFD_CLOEXEC, 10));
            ::dup2(channel->second.get(), handoff::kChannelFd);
            channel->second.reset();
            ::setpgid(0, 0);
            if (prepare) prepare();
            sys::close_on_exec_from(handoff::kChannelFd);
            sys::Log log_there = sys::Log::to_descriptor(std::move(log_fd));
            const core::Plan plan =
                plan_of({service("echo", {"."}, program("/bin/cat")),
                         service("missing", {"m"}, program("/no/such/program"))});
            return run_zygote(plan, log_there, serve_connection);
        });
    }

    UniqueFd& channel() { return channel_; }
    Child& zygote() { return *zygote_; }

    /// Returns the next message of the zygote: `ready`, `reaped ID`, `end` or `silence`.
    std::string next() {
        if (loopback::events_of(channel_.get(), POLLIN) == 0) return "silence";
        std::array<std::byte, 256> buffer{};
        const auto received = sys::receive_message(channel_.get(), buffer);
        if (!received) return sys::to_string(received.error());
        if (received->size == 0) return "end";
        handoff::Reaped message;
        if (received->size == sizeof(handoff::Ready)) {
            handoff::Ready ready;
            std::memcpy(&ready, buffer.data(), sizeof ready);
            return ready.kind == handoff::Kind::Ready ? "ready" : "?";
        }
        if (received->size != sizeof message) return "?";
        std::memcpy(&message, buffer.data(), sizeof message);
        return "reaped " + std::to_string(message.id);
    }

    /// Hands a connection over as the daemon does.
    void hand_over(handoff::Handover message, const UniqueFd& client) {
        message.arrival.ends.peer = *sys::Address::from(core::Endpoint{"192.0.2.7", 50022});
        message.arrival.ends.local = *sys::Address::from(core::Endpoint{"192.0.2.1", 443});
        message.arrival.accepted = sys::Clock::now();
        ASSERT_TRUE(sys::send_message(channel_.get(), std::as_bytes(std::span(&message, 1)),
                                      client.get(), 0));
    }
    void hand_over(std::uint64_t id, const UniqueFd& client) {
        hand_over(handoff::Handover{.id = id}, client);
    }

    /// Returns the log once the zygote has ended, with pids and times masked.
    std::string log() {
        return mask_numbers(mask_numbers(read_reply(log_.get()).bytes, "portsplit[", "PID"),
                            " ms=");
    }

    /// Returns the first child of the zygote with this name; -1 if there is none.
    pid_t child_named(const std::string& name) {
        for (const pid_t child : loopback::children_of(zygote().pid())) {
            if (loopback::name_of(child) == name) return child;
        }
        return -1;
    }

    /// Returns the processor time that the zygote has used.
    std::chrono::nanoseconds processor_time() {
        clockid_t clock{};
        timespec time{};
        ::clock_getcpuclockid(zygote().pid(), &clock);
        ::clock_gettime(clock, &time);
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }

    /// Ends the daemon's side of the channel.
    void retire() { ::shutdown(channel_.get(), SHUT_WR); }

  private:
    UniqueFd channel_;
    UniqueFd log_;
    std::unique_ptr<Child> zygote_;
};

TEST_F(ZygoteTest, ExitsWhenTheDaemonIsGone) {
    EXPECT_EQ(next(), "ready");
    channel().reset();
    EXPECT_EQ(sys::describe_status(zygote().status()), "exit=0");
    EXPECT_EQ(log(), "");
}

TEST_F(ZygoteTest, ReportsAConnectionWhenItsProcessHasEnded) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    hand_over(42, pair.near);
    pair.near.reset();
    ASSERT_TRUE(send_all(pair.far.get(), ".echo"));
    loopback::finish(pair.far.get());
    EXPECT_EQ(read_reply(pair.far.get()), (Reply{".echo", "end"}));
    EXPECT_EQ(next(), "reaped 42");
    retire();
    EXPECT_EQ(next(), "end");
    EXPECT_EQ(log(),
              "portsplit[PID]: service=echo reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 "
              "dport=443 action=exec target=/bin/cat in=- out=- ms=N exit=0\n");
}

TEST_F(ZygoteTest, ExitsWithTheLastConnectionAfterTheDaemonsEof) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    hand_over(1, pair.near);
    pair.near.reset();
    retire();
    EXPECT_EQ(loopback::events_of(zygote().handle(), POLLIN, loopback::kMoment), 0);
    ASSERT_TRUE(send_all(pair.far.get(), ".still served"));
    loopback::finish(pair.far.get());
    EXPECT_EQ(read_reply(pair.far.get()), (Reply{".still served", "end"}));
    EXPECT_EQ(sys::describe_status(zygote().status()), "exit=0");
}

TEST_F(ZygoteTest, LogsAFailureBeforeTheConnectionLine) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    ASSERT_TRUE(send_all(pair.far.get(), "m"));
    hand_over(7, pair.near);
    EXPECT_EQ(next(), "reaped 7");
    retire();
    EXPECT_EQ(log(),
              "portsplit[PID]: cannot start /no/such/program for service missing, client "
              "192.0.2.7:50022: No such file or directory\n"
              "portsplit[PID]: service=missing reason=match src=192.0.2.7 sport=50022 "
              "dst=192.0.2.1 dport=443 action=exec target=/no/such/program in=- out=- ms=N "
              "exit=127\n");
}

TEST_F(ZygoteTest, ClosesTheConnectionOfAMessageOfAnotherKind) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    handoff::Handover wrong{.id = 9};
    wrong.kind = handoff::Kind::Reaped;
    hand_over(wrong, pair.near);
    pair.near.reset();
    EXPECT_EQ(next(), "reaped 9");
    EXPECT_EQ(read_reply(pair.far.get()), (Reply{"", "end"}));
}

TEST_F(ZygoteTest, IgnoresMessagesThatAreNoConnection) {
    ASSERT_EQ(next(), "ready");
    const handoff::Handover unserved{.id = 5};
    for (const std::size_t size : {std::size_t{1}, sizeof(handoff::Kind), sizeof unserved - 1}) {
        ASSERT_TRUE(sys::send_message(channel().get(),
                                      std::as_bytes(std::span(&unserved, 1)).first(size), -1, 0));
    }
    ASSERT_TRUE(sys::send_message(channel().get(), core::as_bytes(std::string(5000, 'x')), 0, 0));
    ASSERT_TRUE(sys::send_message(channel().get(), std::as_bytes(std::span(&unserved, 1)), -1, 0));
    EXPECT_EQ(next(), "reaped 5") << "a connection without its socket";
    Pair pair = loopback::tcp_pair();
    hand_over(6, pair.near);
    pair.near.reset();
    ASSERT_TRUE(send_all(pair.far.get(), ".served"));
    EXPECT_EQ(read_reply(pair.far.get(), 7), (Reply{".served", "enough"}));
}

TEST_F(ZygoteTest, ReportsADispatcherThatWasKilled) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    hand_over(1, pair.near);
    pair.near.reset();
    // The dispatcher has become the program.
    ASSERT_TRUE(send_all(pair.far.get(), "."));
    ASSERT_EQ(read_reply(pair.far.get(), 1), (Reply{".", "enough"}));
    ASSERT_EQ(::kill(child_named("cat"), SIGKILL), 0);
    EXPECT_EQ(next(), "reaped 1");
    retire();
    EXPECT_TRUE(log().ends_with("ms=N signal=KILL\n"));
}

// The zygote gets one SIGCHLD, which names one of them, just after it looked at all its children.
TEST_F(ZygoteTest, ReportsEachOfManyProgramsThatWereKilledAtOnce) {
    ASSERT_EQ(next(), "ready");
    std::vector<Pair> pairs;
    std::set<std::string> expected;
    for (std::uint64_t id = 1; id <= 2 * sys::kFewChildren; ++id) {
        Pair& pair = pairs.emplace_back(loopback::tcp_pair());
        hand_over(id, pair.near);
        pair.near.reset();
        ASSERT_TRUE(send_all(pair.far.get(), "."));
        ASSERT_EQ(read_reply(pair.far.get(), 1), (Reply{".", "enough"}));
        expected.insert("reaped " + std::to_string(id));
    }
    std::set<std::string> found;
    // After so many signals the reaper does not look at the others by their pids any more.
    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(::kill(child_named("cat"), SIGKILL), 0);
        found.insert(next());
    }
    ASSERT_EQ(::kill(zygote().pid(), SIGSTOP), 0);
    loopback::wait_for_state(zygote().pid(), 'T');
    for (const pid_t child : loopback::children_of(zygote().pid())) {
        if (loopback::name_of(child) == "cat") ::kill(child, SIGKILL);
    }
    ASSERT_EQ(::kill(zygote().pid(), SIGCONT), 0);
    while (found.size() < expected.size()) {
        const std::string message = next();
        ASSERT_TRUE(message.starts_with("reaped ")) << message << ", after " << found.size();
        found.insert(message);
    }
    EXPECT_EQ(found, expected);
}

TEST_F(ZygoteTest, ForksMoreSparesWhenAllHaveSilentClients) {
    ASSERT_EQ(next(), "ready");
    std::vector<Pair> pairs;
    for (std::uint64_t id = 1; id <= 3 * kSpares; ++id) {
        pairs.push_back(loopback::tcp_pair());
        hand_over(id, pairs.back().near);
        pairs.back().near.reset();
    }
    Pair& last = pairs.back();
    ASSERT_TRUE(send_all(last.far.get(), ".last"));
    EXPECT_EQ(read_reply(last.far.get(), 5), (Reply{".last", "enough"}));
}

TEST_F(ZygoteTest, ReplacesSparesThatWereKilled) {
    ASSERT_EQ(next(), "ready");
    ASSERT_TRUE(comes_true([&] { return child_named("portsplit-spare") != -1; }));
    for (const pid_t child : loopback::children_of(zygote().pid())) {
        ::kill(child, SIGKILL);
        ASSERT_TRUE(loopback::wait_for_state(child, 'Z'));
    }
    Pair pair = loopback::tcp_pair();
    hand_over(1, pair.near);
    pair.near.reset();
    ASSERT_TRUE(send_all(pair.far.get(), ".served"));
    EXPECT_EQ(read_reply(pair.far.get(), 7), (Reply{".served", "enough"}));
}

TEST_F(ZygoteTest, PausesBeforeItReplacesSparesThatWereKilled) {
    ASSERT_EQ(next(), "ready");
    constexpr std::chrono::milliseconds kWatched{500};
    constexpr std::size_t kPause = 100;
    std::set<pid_t> killed;
    const auto begin = sys::Clock::now();
    ASSERT_TRUE(comes_true([&] {
        for (const pid_t child : loopback::children_of(zygote().pid())) {
            ::kill(child, SIGKILL);
            killed.insert(child);
        }
        return sys::Clock::now() - begin >= kWatched;
    }));
    const auto taken =
        std::chrono::duration_cast<std::chrono::milliseconds>(sys::Clock::now() - begin).count();
    // At most eight spares are forked after each pause, and eight at the start.
    EXPECT_LE(killed.size(), (static_cast<std::size_t>(taken) / kPause + 2) * kSpares)
        << "in " << taken << " ms";
    EXPECT_GT(killed.size(), kSpares) << "the zygote did fork again";
}

TEST_F(ZygoteTest, LeavesADispatcherNoMemoryChannelOrGroupOfOthers) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    hand_over(1, pair.near);
    // Its client is silent, so it waits for bytes.
    ASSERT_TRUE(comes_true([&] { return child_named("portsplit-dispa") != -1; }));
    const std::string place = "/proc/" + std::to_string(child_named("portsplit-dispa"));
    EXPECT_EQ(sys::read_file(place + "/maps")->find("rw-s"), std::string::npos) << "memory";
    char target[64] = {};
    const std::string channel = place + "/fd/" + std::to_string(handoff::kChannelFd);
    EXPECT_EQ(::readlink(channel.c_str(), target, sizeof target), -1) << target;
    EXPECT_EQ(::getpgid(child_named("portsplit-dispa")), child_named("portsplit-dispa"));
    std::size_t sockets = 0;
    for (const auto& fd : std::filesystem::directory_iterator(place + "/fd")) {
        sockets += std::filesystem::read_symlink(fd).string().starts_with("socket:") ? 1U : 0U;
    }
    EXPECT_EQ(sockets, 2U) << "its client, and one end of the progress channel";
}

/// Traces processes (ptrace(2)), and kills the first one that receives a message: after recvmsg(2) has
/// returned in the kernel, before the process runs on. Not movable between threads.
class KillerAtReceive {
  public:
    explicit KillerAtReceive(std::vector<pid_t> pids) : pids_(std::move(pids)) {
        for (const pid_t pid : pids_) {
            // It is stopped before the test sends anything, so it receives nothing unseen.
            int status = 0;
            ok_ = ok_ && ::ptrace(PTRACE_SEIZE, pid, nullptr, PTRACE_O_TRACESYSGOOD) == 0 &&
                  ::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) == 0 &&
                  ::waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) &&
                  ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr) == 0;
        }
    }
    KillerAtReceive(const KillerAtReceive&) = delete;
    KillerAtReceive& operator=(const KillerAtReceive&) = delete;

    ~KillerAtReceive() {
        for (const pid_t pid : pids_) end(pid);
    }

    bool ok() const { return ok_; }

    /// Lets the processes run on to their next system call or back from it.
    /// @returns true once one has been killed
    bool step() {
        for (const pid_t pid : pids_) {
            int status = 0;
            if (::waitpid(pid, &status, WNOHANG | __WALL) != pid || !WIFSTOPPED(status)) continue;
            __ptrace_syscall_info info{};
            ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
            if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
                receives_[pid] = info.entry.nr == SYS_recvmsg;
            } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && receives_[pid] &&
                       info.exit.rval > 0) {
                end(pid);
                return true;
            }
            ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
        }
        return false;
    }

  private:
    /// Kills a process. Its parent learns of that only after its tracer has (ptrace(2)).
    static void end(pid_t pid) {
        ::kill(pid, SIGKILL);
        int status = 0;
        while (::waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) continue;
    }

    std::vector<pid_t> pids_;
    std::map<pid_t, bool> receives_;
    bool ok_ = true;
};

TEST_F(ZygoteTest, ReportsASpareThatWasKilledWithAConnection) {
    ASSERT_EQ(next(), "ready");
    std::vector<pid_t> spares;
    ASSERT_TRUE(comes_true([&] {
        spares = loopback::children_of(zygote().pid());
        return spares.size() == kSpares;
    }));
    KillerAtReceive killer(spares);
    ASSERT_TRUE(killer.ok()) << sys::error_text(errno);
    Pair pair = loopback::tcp_pair();
    hand_over(42, pair.near);
    pair.near.reset();
    ASSERT_TRUE(comes_true([&] { return killer.step(); }));
    EXPECT_EQ(next(), "reaped 42");
    EXPECT_EQ(read_reply(pair.far.get()).bytes, "");
}

/// A zygote whose channel has room for a few messages only.
class NarrowChannelTest : public ZygoteTest {
  protected:
    static void narrow() {
        const int least = 1;  // socket(7): the kernel takes its minimum instead
        ::setsockopt(handoff::kChannelFd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    }
    NarrowChannelTest() : ZygoteTest(&serve, &narrow) {}
};

TEST_F(NarrowChannelTest, SendsEveryReapedToADaemonThatWasStopped) {
    ASSERT_EQ(next(), "ready");
    // Each message ends one spare, so the test sends only as fast as the zygote forks, until the
    // zygote's channel is full.
    constexpr std::uint64_t kMessages = 60;
    for (std::uint64_t id = 1; id <= kMessages; ++id) {
        handoff::Handover wrong{.id = id};
        wrong.kind = handoff::Kind::Ready;
        const auto bytes = std::as_bytes(std::span(&wrong, 1));
        ASSERT_TRUE(sys::send_message(channel().get(), bytes, -1, 0)) << id;
    }
    // One send fails after a second (sys/channel.h); the daemon reads after that.
    EXPECT_EQ(loopback::events_of(zygote().handle(), POLLIN, std::chrono::milliseconds(1500)), 0);
    std::set<std::string> messages;
    for (std::uint64_t id = 1; id <= kMessages; ++id) messages.insert(next());
    EXPECT_EQ(messages.size(), kMessages);
    EXPECT_FALSE(messages.contains("silence"));
}

/// A zygote whose dispatchers are compromised.
class CompromisedDispatcher : public ZygoteTest {
  protected:
    CompromisedDispatcher() : ZygoteTest(&obey) {}

    /// Hands a connection over and gives its dispatcher orders.
    /// @returns false if one was not acknowledged
    bool order(std::uint64_t id, const std::string& orders) {
        Pair pair = loopback::tcp_pair();
        hand_over(id, pair.near);
        clients_.push_back(std::move(pair.far));
        return order_again(orders);
    }
    /// Gives more orders to the last dispatcher.
    bool order_again(const std::string& orders) {
        const int client = clients_.back().get();
        return send_all(client, orders) &&
               read_reply(client, orders.size()).bytes == std::string(orders.size(), '.');
    }
    /// Makes the last dispatcher exit with code 5.
    void end_last() { send_all(clients_.back().get(), "x"); }

    /// Returns the spares, once there are all of them.
    std::set<pid_t> all_spares() {
        std::set<pid_t> spares;
        EXPECT_TRUE(comes_true([&] {
            const auto children = loopback::children_of(zygote().pid());
            spares = {children.begin(), children.end()};
            return spares.size() == kSpares;
        }));
        return spares;
    }

    /// Hands over connections until each of these spares has one, and waits for orders.
    void use_up(const std::set<pid_t>& spares, std::uint64_t first_id) {
        const auto is_spare = [](pid_t pid) { return loopback::name_of(pid) == "portsplit-spare"; };
        for (std::uint64_t id = first_id;
             std::any_of(spares.begin(), spares.end(), is_spare) && id < first_id + 4 * kSpares;
             ++id) {
            ASSERT_TRUE(order(id, "-"));
        }
    }

    /// Ends all connections and the zygote, and returns the log.
    std::string log_of_all() {
        clients_.clear();
        retire();
        return log();
    }

  private:
    std::vector<UniqueFd> clients_;
};

constexpr const char* kUnknown =
    "portsplit[PID]: service=- reason=- src=192.0.2.7 sport=50022 dst=192.0.2.1 dport=443 "
    "action=close target=- in=0 out=0 ms=N exit=5";
constexpr const char* kHonest =
    "portsplit[PID]: service=missing reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 "
    "dport=443 "
    "action=exec target=/no/such/program in=- out=- ms=N exit=5";

TEST_F(CompromisedDispatcher, ThatSendsNonsenseSpoilsNoLine) {
    ASSERT_EQ(next(), "ready");
    ASSERT_TRUE(order(1, "n"));
    end_last();
    ASSERT_EQ(next(), "reaped 1");
    ASSERT_TRUE(order(2, "h"));
    end_last();
    ASSERT_EQ(next(), "reaped 2");
    EXPECT_EQ(log_of_all(), std::string(kUnknown) + "\n" + kHonest + "\n");
}

TEST_F(CompromisedDispatcher, ThatForksSpoilsNoLine) {
    ASSERT_EQ(next(), "ready");
    ASSERT_TRUE(order(1, "c"));
    end_last();
    ASSERT_EQ(next(), "reaped 1");
    EXPECT_EQ(log_of_all(), std::string(kUnknown) + "\n");
}

TEST_F(CompromisedDispatcher, ThatKillsItsGroupKillsOnlyItself) {
    ASSERT_EQ(next(), "ready");
    ASSERT_TRUE(order(1, "-"));
    EXPECT_FALSE(order_again("k"));
    EXPECT_EQ(next(), "reaped 1");
    ASSERT_TRUE(order(2, "h"));
    end_last();
    EXPECT_EQ(next(), "reaped 2");
}

TEST_F(CompromisedDispatcher, ThatShutsTheChannelSilencesNoLaterOne) {
    ASSERT_EQ(next(), "ready");
    const std::set<pid_t> forked_before = all_spares();
    ASSERT_TRUE(order(1, "s"));
    // These keep the channel that was shut.
    ASSERT_NO_FATAL_FAILURE(use_up(forked_before, 2));
    ASSERT_TRUE(order(100, "h"));
    end_last();
    ASSERT_EQ(next(), "reaped 100");
    const std::string all = log_of_all();
    EXPECT_NE(
        all.find("portsplit[PID]: a dispatcher shut the channel that it shares with others, which "
                 "no intact dispatcher does: it may be compromised\n"),
        std::string::npos)
        << all;
    EXPECT_NE(all.find(kHonest), std::string::npos) << all;
}

TEST_F(CompromisedDispatcher, ThatShutsTheChannelCausesNoBusyLoopWhileNoNewOneCanBeMade) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "UndefinedBehaviorSanitizer opens a pipe to check an object's type, and ends a "
                    "process that cannot open one";
#endif
    ASSERT_EQ(next(), "ready");
    const std::set<pid_t> forked_before = all_spares();
    rlimit enough{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &enough), 0);
    const rlimit few{.rlim_cur = 3, .rlim_max = enough.rlim_max};
    ASSERT_EQ(::prlimit(zygote().pid(), RLIMIT_NOFILE, &few, nullptr), 0);
    const auto before = processor_time();
    ASSERT_TRUE(order(1, "s"));
    EXPECT_EQ(loopback::events_of(zygote().handle(), POLLIN, std::chrono::milliseconds(500)), 0);
    EXPECT_LT(processor_time() - before, std::chrono::milliseconds(50));
    ASSERT_EQ(::prlimit(zygote().pid(), RLIMIT_NOFILE, &enough, nullptr), 0);
    ASSERT_NO_FATAL_FAILURE(use_up(forked_before, 2));
    ASSERT_TRUE(order(100, "h"));
    end_last();
    ASSERT_EQ(next(), "reaped 100");
    const std::string all = log_of_all();
    EXPECT_NE(all.find(kHonest), std::string::npos) << all;
}

TEST_F(CompromisedDispatcher, ThatFloodsTheChannelDelaysNoOther) {
    ASSERT_EQ(next(), "ready");
    for (std::uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(order(id, "f"));
    for (std::uint64_t id = 10; id < 10 + kSpares; ++id) {
        ASSERT_TRUE(order(id, "-")) << id;
        end_last();
        ASSERT_EQ(next(), "reaped " + std::to_string(id));
    }
}

/// A zygote that cannot fork until the test lifts the limit on processes (setrlimit(2)).
class ForklessZygoteTest : public ZygoteTest {
  protected:
    static void limit_processes() {
        const rlimit one{.rlim_cur = 1, .rlim_max = 1000};
        ::setrlimit(RLIMIT_NPROC, &one);
        // Root has no such limit.
        if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(98);
    }
    ForklessZygoteTest() : ZygoteTest(&serve, &limit_processes) {}
};

TEST_F(ForklessZygoteTest, RetriesWithoutABusyLoopUntilItCanFork) {
    ASSERT_EQ(next(), "ready");
    Pair pair = loopback::tcp_pair();
    ASSERT_TRUE(send_all(pair.far.get(), ".served"));
    hand_over(1, pair.near);
    pair.near.reset();
    const auto before = processor_time();
    EXPECT_EQ(loopback::events_of(pair.far.get(), POLLIN, std::chrono::milliseconds(500)), 0);
    EXPECT_LT(processor_time() - before, std::chrono::milliseconds(50));
    const rlimit enough{.rlim_cur = 1000, .rlim_max = 1000};
    // prlimit(2) needs a process of the same user.
    Child lifter([&] {
        limit_processes();
        return ::prlimit(zygote().pid(), RLIMIT_NPROC, &enough, nullptr);
    });
    ASSERT_EQ(lifter.status(), 0);
    EXPECT_EQ(read_reply(pair.far.get(), 7), (Reply{".served", "enough"}));
    loopback::finish(pair.far.get());
    EXPECT_EQ(next(), "reaped 1");
    retire();
    EXPECT_TRUE(
        log().starts_with("portsplit[PID]: cannot fork, clients wait until it works again: "
                          "Resource temporarily unavailable\n"));
}

}  // namespace
}  // namespace portsplit::dispatch
