#include "dispatch/sniff.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <future>
#include <string>

#include "support/loopback.h"
#include "support/moved_clock.h"
#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

using loopback::Pair;
using loopback::Reply;
using sys::Clock;
using namespace std::chrono_literals;

/// Later than any test ends.
constexpr auto kLate = 60s;

const core::Plan& ordinary_plan() {
    static const core::Plan plan = plan_of({service("ssh", {"SSH-"}, to("127.0.0.1", 22)),
                                            service("web", {"GET ", "POST "}, to("127.0.0.1", 80)),
                                            service("long", {"abcd"}, to("127.0.0.1", 1)),
                                            service("short", {"ab"}, to("127.0.0.1", 2)),
                                            service(core::kFallback, {}, to("127.0.0.1", 3)),
                                            service(core::kTimeout, {}, to("127.0.0.1", 4))});
    return plan;
}

/// A plan with a service that needs 60,000 bytes.
const core::Plan& patient_plan() {
    static const core::Plan plan =
        plan_of({service("patient", {std::string(60'000, 'x')}, to("127.0.0.1", 1)),
                 service(core::kFallback, {}, to("127.0.0.1", 3)),
                 service(core::kTimeout, {}, to("127.0.0.1", 4))});
    return plan;
}

struct Outcome {
    std::string verdict;
    std::chrono::microseconds processor_time;
    long waits;  ///< how often the thread blocked (getrusage(2) ru_nvcsw)
};

long voluntary_switches() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

/// `sniff` in a thread of its own. The destructor resets the client, which ends it.
class Sniffing {
  public:
    Sniffing(Pair pair, const core::Plan& plan, Clock::duration until_deadline)
        : pair_(std::move(pair)),
          outcome_(std::async(std::launch::async, [this, &plan, until_deadline] {
              const auto before = loopback::processor_time(RUSAGE_THREAD);
              const long waits = voluntary_switches();
              const auto verdict =
                  sniff(pair_.near.get(), plan, {}, Clock::now() + until_deadline, recorder_);
              const auto spent = loopback::processor_time(RUSAGE_THREAD) - before;
              return Outcome{verdict ? words(plan, *verdict) : sys::to_string(verdict.error()),
                             spent, voluntary_switches() - waits};
          })) {}
    ~Sniffing() {
        if (pair_.far) loopback::reset(pair_.far);
    }

    sys::UniqueFd& client() { return pair_.far; }
    int socket() const { return pair_.near.get(); }

    bool is_decided_within(std::chrono::milliseconds limit) const {
        return outcome_.wait_for(limit) == std::future_status::ready;
    }

    Outcome outcome() {
        return is_decided_within(loopback::kPatience) ? outcome_.get()
                                                      : Outcome{"undecided", 0us, 0};
    }
    std::string verdict() { return outcome().verdict; }

    int low_water() const {
        int bytes = 0;
        socklen_t length = sizeof bytes;
        ::getsockopt(socket(), SOL_SOCKET, SO_RCVLOWAT, &bytes, &length);
        return bytes;
    }

  private:
    Pair pair_;
    Recorder recorder_;
    std::future<Outcome> outcome_;
};

/// Lets time pass, less if the plan is decided before.
void let_pass(const Sniffing& sniffing, std::chrono::milliseconds time) {
    static_cast<void>(sniffing.is_decided_within(time));
}

enum class Family { Tcp, Unix };

Pair pair_of(Family family) {
    return family == Family::Tcp ? loopback::tcp_pair() : loopback::unix_pair();
}

/// Runs a test over a TCP connection and over a Unix-domain one, which ignores SO_RCVLOWAT.
void for_both(const std::function<void(Family)>& test) {
    for (const Family family : {Family::Tcp, Family::Unix}) {
        SCOPED_TRACE(family == Family::Tcp ? "over TCP" : "over a Unix-domain socket");
        test(family);
    }
}

TEST(Sniff, DecidesAtTheFirstSufficientByte) {
    for_both([](Family family) {
        struct Case {
            std::string bytes;
            std::string verdict;
        };
        for (const Case& one : {Case{"SSH-", "ssh match"}, Case{"POST ", "web match"},
                                Case{"SSX", "fallback fallback"}, Case{"\r", "fallback fallback"},
                                Case{"abcd", "long match"}, Case{"abx", "short match"}}) {
            Sniffing sniffing(pair_of(family), ordinary_plan(), kLate);
            for (std::size_t i = 0; i + 1 < one.bytes.size(); ++i) {
                ASSERT_TRUE(loopback::send_all(sniffing.client().get(), one.bytes.substr(i, 1)));
                EXPECT_FALSE(sniffing.is_decided_within(5ms)) << one.bytes << " at byte " << i;
            }
            ASSERT_TRUE(loopback::send_all(sniffing.client().get(),
                                           one.bytes.substr(one.bytes.size() - 1)));
            EXPECT_EQ(sniffing.verdict(), one.verdict) << one.bytes;
        }
    });
}

// fault: C6
TEST(Sniff, DecidesTheSameForEverySegmentation) {
    for_both([](Family family) {
        const std::string bytes = "POST /";
        for (unsigned cuts = 0; cuts < 1U << (bytes.size() - 1); ++cuts) {
            Sniffing sniffing(pair_of(family), ordinary_plan(), kLate);
            std::string segment;
            for (std::size_t i = 0; i < bytes.size(); ++i) {
                segment += bytes[i];
                if (i + 1 < bytes.size() && (cuts >> i & 1) == 0) continue;
                ASSERT_TRUE(loopback::send_all(sniffing.client().get(), segment));
                segment.clear();
                let_pass(sniffing, 1ms);
            }
            ASSERT_EQ(sniffing.verdict(), "web match") << cuts;
            ASSERT_EQ(loopback::read_reply(sniffing.socket(), bytes.size()),
                      (Reply{bytes, "enough"}));
        }
    });
}

TEST(Sniff, LeavesEveryByteUnreadAndTheLowWaterMarkAtOne) {
    for_both([](Family family) {
        Sniffing sniffing(pair_of(family), ordinary_plan(), kLate);
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "PO"));
        let_pass(sniffing, 20ms);
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "ST / HTTP/1.1"));
        EXPECT_EQ(sniffing.verdict(), "web match");
        EXPECT_EQ(sniffing.low_water(), 1);
        EXPECT_EQ(loopback::read_reply(sniffing.socket(), 15),
                  (Reply{"POST / HTTP/1.1", "enough"}));
    });
}

// fault: C5
TEST(Sniff, DecidesAtEof) {
    for_both([](Family family) {
        struct Case {
            std::string bytes;
            std::string verdict;
        };
        for (const Case& one :
             {Case{"", "close eof"}, Case{"SS", "fallback fallback"}, Case{"SSH-", "ssh match"},
              Case{"abc", "short match"}, Case{"x", "fallback fallback"}}) {
            Sniffing sniffing(pair_of(family), ordinary_plan(), kLate);
            ASSERT_TRUE(loopback::send_all(sniffing.client().get(), one.bytes));
            loopback::finish(sniffing.client().get());
            EXPECT_EQ(sniffing.verdict(), one.verdict) << '"' << one.bytes << '"';
            EXPECT_EQ(sniffing.low_water(), 1) << '"' << one.bytes << '"';
            EXPECT_EQ(loopback::read_reply(sniffing.socket()), (Reply{one.bytes, "end"}));
        }
    });
}

TEST(Sniff, DecidesAtAnEofThatComesAfterTheBytes) {
    for_both([](Family family) {
        Sniffing sniffing(pair_of(family), ordinary_plan(), kLate);
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "abc"));
        EXPECT_FALSE(sniffing.is_decided_within(50ms));
        loopback::finish(sniffing.client().get());
        EXPECT_EQ(sniffing.verdict(), "short match");
    });
}

TEST(Sniff, DecidesAtTheDeadline) {
    for_both([](Family family) {
        struct Case {
            std::string bytes;
            std::string verdict;
        };
        for (const Case& one : {Case{"", "timeout timeout"}, Case{"SS", "timeout timeout"},
                                Case{"abc", "short match"}}) {
            const auto begin = Clock::now();
            Sniffing sniffing(pair_of(family), ordinary_plan(), 100ms);
            ASSERT_TRUE(loopback::send_all(sniffing.client().get(), one.bytes));
            EXPECT_EQ(sniffing.verdict(), one.verdict) << '"' << one.bytes << '"';
            EXPECT_GE(Clock::now() - begin, 100ms);
            EXPECT_LT(Clock::now() - begin, 5s);
            EXPECT_EQ(sniffing.low_water(), 1) << '"' << one.bytes << '"';
        }
    });
}

TEST(Sniff, PeeksOnceWhenTheDeadlineHasPassed) {
    for_both([](Family family) {
        Pair connection = pair_of(family);
        ASSERT_TRUE(loopback::send_all(connection.far.get(), "SSH-2.0"));
        ASSERT_NE(loopback::events_of(connection.near.get(), POLLIN), 0);
        Sniffing sniffing(std::move(connection), ordinary_plan(), -1s);
        EXPECT_EQ(sniffing.verdict(), "ssh match");
    });
}

// fault: C2
TEST(Sniff, DecidesAtTheDeadlineWhileBytesStillCome) {
    for_both([](Family family) {
        const auto begin = Clock::now();
        Sniffing sniffing(pair_of(family), patient_plan(), 150ms);
        for (int i = 0; i < 1000 && !sniffing.is_decided_within(10ms); ++i) {
            ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "x"));
        }
        EXPECT_EQ(sniffing.verdict(), "timeout timeout");
        EXPECT_LT(Clock::now() - begin, 3s);
    });
}

// fault: C13
TEST(Sniff, DecidesAtTheDeadlineWhenTheWallClockIsSet) {
    for (const auto by : {24h, -24h}) {
        MovedClock clock;
        const auto wall = std::chrono::system_clock::now();
        const auto begin = Clock::now();
        Sniffing sniffing(loopback::tcp_pair(), ordinary_plan(), 200ms);
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "S"));
        EXPECT_FALSE(sniffing.is_decided_within(50ms));
        clock.set_wall_clock(by);
        ASSERT_GT(std::chrono::abs(std::chrono::system_clock::now() - wall), 23h);
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "S"));
        EXPECT_EQ(sniffing.verdict(), "timeout timeout");
        EXPECT_GE(Clock::now() - begin, 200ms);
        EXPECT_LT(Clock::now() - begin, 5s);
    }
}

TEST(Sniff, UsesNoProcessorTimeWhileNoByteComes) {
    for_both([](Family family) {
        Sniffing sniffing(pair_of(family), ordinary_plan(), 300ms);
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "SS"));
        const Outcome outcome = sniffing.outcome();
        EXPECT_EQ(outcome.verdict, "timeout timeout");
        EXPECT_LT(outcome.processor_time, 30ms);
    });
}

// fault: C7
TEST(Sniff, DecidesWhenTheWindowIsFull) {
    for_both([](Family family) {
        core::Config config;
        config.window = 16;
        config.services = {service("long", {std::string(16, 'x') + "y"}, to("127.0.0.1", 1)),
                           service("short", {std::string(15, 'x')}, to("127.0.0.1", 2)),
                           service(core::kFallback, {}, to("127.0.0.1", 3))};
        const core::Plan plan(config);
        Sniffing sniffing(pair_of(family), plan, kLate);
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), std::string(16, 'x')));
        EXPECT_FALSE(sniffing.is_decided_within(20ms))
            << "the window is extended to the longest pattern";
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), std::string(100'000, 'x')));
        EXPECT_EQ(sniffing.verdict(), "short match");
    });
}

TEST(Sniff, DecidesByMoreThanAKibibyte) {
    for_both([](Family family) {
        const std::string bytes(3000, 'x');
        const core::Plan plan = plan_of({service("long", {bytes}, to("127.0.0.1", 1))});
        Sniffing sniffing(pair_of(family), plan, kLate);
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), bytes));
        EXPECT_EQ(sniffing.verdict(), "long match");
    });
}

// fault: C5
TEST(Sniff, ClosesWhenTheClientResets) {
    for_both([](Family family) {
        for (const std::string bytes : {"", "S", "SS", "SSH"}) {
            const auto begin = Clock::now();
            Sniffing sniffing(pair_of(family), ordinary_plan(), kLate);
            ASSERT_TRUE(loopback::send_all(sniffing.client().get(), bytes));
            let_pass(sniffing, 5ms);
            loopback::reset(sniffing.client());
            const std::string verdict = sniffing.verdict();
            // A Unix-domain socket has no reset: the close is an EOF.
            const bool ended = family == Family::Unix && !bytes.empty();
            EXPECT_EQ(verdict, ended ? "fallback fallback" : "close eof") << '"' << bytes << '"';
            EXPECT_LT(Clock::now() - begin, 5s);
        }
    });
}

TEST(SniffTcp, ClosesWhenTheClientHasResetBeforeTheFirstPeek) {
    Pair pair = loopback::tcp_pair();
    loopback::reset(pair.far);
    ASSERT_NE(loopback::events_of(pair.near.get(), POLLIN) & POLLHUP, 0);
    Sniffing sniffing(std::move(pair), ordinary_plan(), kLate);
    EXPECT_EQ(sniffing.verdict(), "close eof");
}

// fault: C3
TEST(SniffTcp, DecidesAtAnUrgentByte) {
    struct Case {
        std::string before;
        std::string verdict;
    };
    // Urgent data ends the stream for the decision. A stream without a byte has no service.
    for (const Case& one : {Case{"G", "fallback fallback"}, Case{"", "close eof"}}) {
        Sniffing sniffing(loopback::tcp_pair(), ordinary_plan(), kLate);
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), one.before));
        let_pass(sniffing, 20ms);
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "!", MSG_OOB));
        const Outcome outcome = sniffing.outcome();
        EXPECT_EQ(outcome.verdict, one.verdict) << '"' << one.before << '"';
        EXPECT_EQ(sniffing.low_water(), 1);
    }
}

// fault: C3
TEST(SniffTcp, PeeksUpToAnUrgentByteAndSkipsOneThatComesFirst) {
    struct Case {
        std::string urgent;  ///< the last byte is the urgent one
        std::string behind;
        std::string verdict;
    };
    for (const Case& one :
         {Case{"GE!", "T /", "fallback fallback"}, Case{"!", "GET /", "web match"}}) {
        Pair pair = loopback::tcp_pair();
        ASSERT_TRUE(loopback::send_all(pair.far.get(), one.urgent, MSG_OOB));
        ASSERT_TRUE(loopback::send_all(pair.far.get(), one.behind));
        loopback::finish(pair.far.get());
        // The FIN comes last: everything is there before the first peek.
        ASSERT_NE(loopback::events_of(pair.near.get(), POLLRDHUP), 0);
        Sniffing sniffing(std::move(pair), ordinary_plan(), kLate);
        EXPECT_EQ(sniffing.verdict(), one.verdict) << one.urgent;
    }
}

// fault: C4
TEST(SniffTcp, UsesNoProcessorTimeWhenTheReceiveBufferIsFullBelowTheMark) {
    Pair pair = loopback::tcp_pair();
    const int tiny = 2048;
    ::setsockopt(pair.near.get(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny);
    Sniffing sniffing(std::move(pair), patient_plan(), 400ms);
    for (int i = 0; i < 400; ++i) ::send(sniffing.client().get(), "x", 1, MSG_DONTWAIT);
    const Outcome outcome = sniffing.outcome();
    EXPECT_EQ(outcome.verdict, "timeout timeout");
    EXPECT_LT(outcome.processor_time, 80ms);
}

// fault: C1
TEST(SniffTcp, WaitsOnceForEachSegment) {
    Sniffing sniffing(loopback::tcp_pair(), patient_plan(), kLate);
    constexpr int kSegments = 5;
    for (int i = 0; i < kSegments; ++i) {
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "x"));
        let_pass(sniffing, 40ms);
    }
    loopback::finish(sniffing.client().get());
    const Outcome outcome = sniffing.outcome();
    EXPECT_EQ(outcome.verdict, "fallback fallback");
    // Without the low-water mark there are two pauses after each segment, of 10 and 20 ms.
    EXPECT_LE(outcome.waits, kSegments + 3);
}

// The length says how many bytes are missing: they come one by one, and wake nobody.
TEST(SniffTcp, WaitsOnceForABlockOfALayout) {
    core::Config config;
    config.layouts = {{"block", {{"start", "{u8(200) ..} <kind 1>"}}}};
    core::Service asking = service("block", {}, to("127.0.0.1", 1));
    asking.layouts = {{"block", false, {{"kind", {"k"}}}}};
    config.services = {asking};
    const core::Plan plan(config);
    Sniffing sniffing(loopback::tcp_pair(), plan, kLate);
    ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "\xc8"));
    ASSERT_TRUE(loopback::comes_true([&] { return sniffing.low_water() == 201; }));
    for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "x"));
        let_pass(sniffing, 1ms);
    }
    ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "k"));
    const Outcome outcome = sniffing.outcome();
    EXPECT_EQ(outcome.verdict, "block match");
    EXPECT_LE(outcome.waits, 6) << "for the length, the block, the field; 200 without the mark";
}

// Here the low-water mark has no effect, as where setsockopt(2) fails.
// fault: C12
TEST(SniffUnix, WaitsInGrowingPausesUntilTheDeadlineWhileNoByteComes) {
    const auto begin = Clock::now();
    Sniffing sniffing(loopback::unix_pair(), ordinary_plan(), 400ms);
    ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "SS"));
    const Outcome outcome = sniffing.outcome();
    EXPECT_EQ(outcome.verdict, "timeout timeout");
    // Pauses of 10, 20, 40, 80 and 160 ms, and one cut to 90 ms that would be 320 ms.
    EXPECT_LT(Clock::now() - begin, 620ms);
    EXPECT_GE(outcome.waits, 5);
    EXPECT_LE(outcome.waits, 10);
}

TEST(SniffUnix, StartsWithAShortPauseAgainAfterNewBytes) {
    Sniffing sniffing(loopback::unix_pair(), ordinary_plan(), kLate);
    ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "SS"));
    EXPECT_FALSE(sniffing.is_decided_within(200ms));  // the pause is 160 ms by now
    ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "H"));
    EXPECT_FALSE(sniffing.is_decided_within(170ms));  // and seen after it
    ASSERT_TRUE(loopback::send_all(sniffing.client().get(), "-"));
    EXPECT_TRUE(sniffing.is_decided_within(200ms)) << "and not after a pause of 320 ms";
}

// fault: C7
TEST(SniffTcp, DecidesWhenTheClientFloods) {
    Sniffing sniffing(loopback::tcp_pair(), ordinary_plan(), kLate);
    sys::set_blocking(sniffing.client().get(), false);
    const std::string flood(1'000'000, '\xff');
    ::send(sniffing.client().get(), flood.data(), flood.size(), MSG_NOSIGNAL);
    EXPECT_EQ(sniffing.verdict(), "fallback fallback");
}

TEST(Sniff, FailsForADescriptorThatIsNoSocket) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const sys::UniqueFd from(ends[0]);
    const sys::UniqueFd to(ends[1]);
    Recorder recorder;
    const auto verdict = sniff(from.get(), ordinary_plan(), {}, Clock::now() + kLate, recorder);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(sys::to_string(verdict.error()),
              "cannot look at a client: Socket operation on non-socket");
}

}  // namespace
}  // namespace portsplit::dispatch
