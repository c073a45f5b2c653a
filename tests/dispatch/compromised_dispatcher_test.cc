// What a compromised dispatcher can reach, and what it tries against the zygote and the other dispatchers.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/progress.h"
#include "dispatch/spares.h"
#include "handoff.h"
#include "support/child.h"
#include "support/loopback.h"
#include "support/running_zygote.h"
#include "sys/channel.h"
#include "sys/file.h"

namespace portsplit::dispatch {
namespace {

using loopback::Child;
using loopback::comes_true;
using loopback::Pair;
using loopback::read_reply;
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

sys::Ends somebody_else() {
    const sys::Address address = *sys::Address::from(core::Endpoint{"203.0.113.9", 1});
    return {address, address};
}

struct NamingProgress {
    Progress progress;
    sys::Ends ends;
};
static_assert(offsetof(NamingProgress, ends) == sizeof(Progress));
static_assert(sizeof(NamingProgress) == sizeof(Progress) + sizeof(sys::Ends));

/// A message that names the ends of the connection, as one whose client had a PROXY header.
NamingProgress naming(const sys::Ends& ends) {
    NamingProgress message{boast(), ends};
    message.progress.has_ends = 1;
    return message;
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
    // A field that the configuration does not log, and a line end.
    const struct {
        Progress progress = boast();
        char more[12] = " tls.sni=a\n";
    } with_field;
    send_progress(with_field, sizeof(Progress) + 10);
    send_progress(with_field, sizeof(Progress) + 11);
    send_progress(naming(somebody_else()));
    send_progress(naming(somebody_else()), sizeof(Progress) + sizeof(sys::Ends) - 1);
}

/// Sends addresses that are none, each time for one end.
void send_bad_addresses() {
    sys::Address unknown_family;
    std::memset(static_cast<void*>(&unknown_family), 0x7f, sizeof unknown_family);
    // Of a Unix-domain socket, with a path of more bytes than there are.
    sys::Address too_long = unknown_family;
    const sa_family_t family = AF_UNIX;
    std::memcpy(static_cast<void*>(&too_long), &family, sizeof family);
    for (const sys::Address& bad : {sys::Address(), unknown_family, too_long}) {
        send_progress(naming({bad, somebody_else().local}));
        send_progress(naming({somebody_else().peer, bad}));
    }
}

void send_descriptors(int fd) {
    Progress progress;
    for (int i = 0; i < 100; ++i) {
        (void)sys::send_message(progress_channel(), std::as_bytes(std::span(&progress, 1)), fd, 0);
    }
}

/// Sends the zygote three pipes with a line each as standard error of a program, and closes them.
void send_pipes() {
    Progress progress = boast();
    progress.has_stderr = 1;
    for (const std::string line : {"first", "second", "third"}) {
        int ends[2] = {-1, -1};
        if (::pipe2(ends, O_CLOEXEC) < 0) return;
        const UniqueFd reading_end(ends[0]);
        const UniqueFd writing_end(ends[1]);
        (void)!::write(writing_end.get(), line.data(), line.size());
        (void)sys::send_message(progress_channel(), std::as_bytes(std::span(&progress, 1)),
                                reading_end.get(), 0);
    }
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
///   a  send messages with addresses that are none
///   e  name the ends of its connection
///   s  shut the progress channel
///   k  kill its process group
///   f  flood the progress channel
///   d  send descriptors with messages that are valid, but not of a program on the socket
///   p  send several pipes as the standard error of a program
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
        if (order == 'a') send_bad_addresses();
        if (order == 'e') send_progress(naming(somebody_else()));
        if (order == 'd') send_descriptors(client.fd.get());
        if (order == 'p') send_pipes();
        if (order == 's') ::shutdown(progress_channel(), SHUT_RDWR);
        if (order == 'k') ::kill(0, SIGKILL);
        if (order == 'c') Child([] { return send_progress(boast()), 0; }).status();
        if (order == 'x') return 5;
        if (::write(client.fd.get(), ".", 1) != 1) return 0;
        if (order == 'f') flood();
    }
    return 0;
}

/// A zygote whose dispatchers are compromised.
class CompromisedDispatcher : public ZygoteTest {
  protected:
    explicit CompromisedDispatcher(const core::Listener& listener = {})
        : ZygoteTest(&obey, {}, listener) {}

    /// Sets the limit on descriptors of the zygote, which only its own user can everywhere (prlimit(2)).
    bool limit_descriptors(const rlimit& limit) {
        loopback::Child child([&] {
            if (::geteuid() == 0 && !sys::become(kWithoutRights)) return 98;
            return ::prlimit(zygote().pid(), RLIMIT_NOFILE, &limit, nullptr);
        });
        return child.status() == 0;
    }

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

// fault: F8
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

/// The same for a client that owes a PROXY header, so that its dispatcher may name another.
class CompromisedDispatcherOfABalancer : public CompromisedDispatcher {
  protected:
    CompromisedDispatcherOfABalancer() : CompromisedDispatcher(listener()) {}

  private:
    static core::Listener listener() {
        core::Listener listener;
        listener.proxy_from = {{.kind = core::Prefix::Kind::Internet,
                                .length = 24,
                                .address = *core::IpAddress::parse("192.0.2.0")}};
        return listener;
    }
};

// fault: F8
TEST_F(CompromisedDispatcherOfABalancer, ThatSendsBadAddressesSpoilsNoLine) {
    ASSERT_EQ(next(), "ready");
    ASSERT_TRUE(order(1, "a"));
    end_last();
    ASSERT_EQ(next(), "reaped 1");
    ASSERT_TRUE(order(2, "e"));
    end_last();
    ASSERT_EQ(next(), "reaped 2");
    EXPECT_EQ(log_of_all(),
              std::string(kUnknown) +
                  "\nportsplit[PID]: service=echo reason=timeout src=203.0.113.9 sport=1 "
                  "dst=203.0.113.9 dport=1 action=exec target=/bin/cat in=- out=- ms=N exit=5\n");
}

// fault: F8
TEST_F(CompromisedDispatcher, ThatSendsDescriptorsLeavesNoneInTheZygote) {
    ASSERT_EQ(next(), "ready");
    const auto descriptors = [&] {
        const std::string place = "/proc/" + std::to_string(zygote().pid()) + "/fd";
        return std::distance(std::filesystem::directory_iterator(place), {});
    };
    const auto before = descriptors();
    ASSERT_TRUE(order(1, "d"));
    EXPECT_TRUE(comes_true([&] { return descriptors() == before; }));
    end_last();
    ASSERT_EQ(next(), "reaped 1");
    ASSERT_TRUE(order(2, "h"));
    end_last();
    ASSERT_EQ(next(), "reaped 2");
}

TEST_F(CompromisedDispatcher, ThatSendsSeveralPipesHasOneRead) {
    ASSERT_EQ(next(), "ready");
    ASSERT_TRUE(order(1, "p"));
    end_last();
    ASSERT_EQ(next(), "reaped 1");
    const std::string log = log_of_all();
    EXPECT_NE(log.find("]: stderr of service echo: first\n"), std::string::npos) << log;
    EXPECT_EQ(log.find("second"), std::string::npos) << log;
}

TEST_F(CompromisedDispatcher, ThatForksSpoilsNoLine) {
    ASSERT_EQ(next(), "ready");
    ASSERT_TRUE(order(1, "c"));
    end_last();
    ASSERT_EQ(next(), "reaped 1");
    EXPECT_EQ(log_of_all(), std::string(kUnknown) + "\n");
}

// fault: F3
TEST_F(CompromisedDispatcher, ThatKillsItsGroupKillsOnlyItself) {
    ASSERT_EQ(next(), "ready");
    ASSERT_TRUE(order(1, "-"));
    EXPECT_FALSE(order_again("k"));
    EXPECT_EQ(next(), "reaped 1");
    ASSERT_TRUE(order(2, "h"));
    end_last();
    EXPECT_EQ(next(), "reaped 2");
}

// fault: F8
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
    const rlimit few{.rlim_cur = 4, .rlim_max = enough.rlim_max};
    ASSERT_TRUE(limit_descriptors(few));
    const auto before = processor_time();
    ASSERT_TRUE(order(1, "s"));
    EXPECT_EQ(loopback::events_of(zygote().handle(), POLLIN, std::chrono::milliseconds(500)), 0);
    EXPECT_LT(processor_time() - before, std::chrono::milliseconds(50));
    ASSERT_TRUE(limit_descriptors(enough));
    ASSERT_NO_FATAL_FAILURE(use_up(forked_before, 2));
    ASSERT_TRUE(order(100, "h"));
    end_last();
    ASSERT_EQ(next(), "reaped 100");
    const std::string all = log_of_all();
    EXPECT_NE(all.find(kHonest), std::string::npos) << all;
}

// fault: F8
TEST_F(CompromisedDispatcher, ThatFloodsTheChannelDelaysNoOther) {
    ASSERT_EQ(next(), "ready");
    for (std::uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(order(id, "f"));
    for (std::uint64_t id = 10; id < 10 + kSpares; ++id) {
        ASSERT_TRUE(order(id, "-")) << id;
        end_last();
        ASSERT_EQ(next(), "reaped " + std::to_string(id));
    }
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
        const std::string what = std::filesystem::read_symlink(fd).string();
        sockets += what.starts_with("socket:") ? 1U : 0U;
        EXPECT_EQ(what.find("eventpoll"), std::string::npos) << "the connections of programs";
    }
    EXPECT_EQ(sockets, 2U) << "its client, and one end of the progress channel";
}

}  // namespace
}  // namespace portsplit::dispatch
