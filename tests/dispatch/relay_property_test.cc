// Random tests of the relay with two peers. Each peer sends and reads chunks of random size, pauses,
// and ends its stream or resets at a random byte. Three properties must hold: every byte arrives
// unchanged and in order, an EOF arrives only behind the last byte, and a reset never arrives as an EOF.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "dispatch/relay.h"
#include "support/loopback.h"
#include "support/relaying.h"

namespace portsplit::dispatch {
namespace {

using loopback::Pair;
using sys::Clock;
using sys::UniqueFd;
using Random = std::mt19937;

std::size_t below(Random& random, std::size_t limit) { return random() % limit; }

/// Returns bytes that differ from their neighbours, so that a lost, doubled or moved one is noticed.
std::string stream_of(std::size_t size, unsigned salt) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<char>((i * 2654435761U + salt) >> 13);
    }
    return bytes;
}

/// One peer, on non-blocking descriptors.
class Peer {
  public:
    Peer(UniqueFd in, UniqueFd out, std::string bytes, std::optional<std::size_t> reset_at)
        : in_(std::move(in)), out_(std::move(out)), bytes_(std::move(bytes)), reset_at_(reset_at) {
        for (const UniqueFd* fd : {&in_, &out_}) sys::set_blocking(fd->get(), false);
    }

    const std::string& bytes() const { return bytes_; }
    const std::string& received() const { return received_; }
    const std::string& end() const { return end_; }
    bool has_reset() const { return has_reset_; }
    bool is_over() const { return has_reset_ || (finished_ && !end_.empty()); }

    void step(Random& random) {
        if (has_reset_) return;
        if (pause_ > 0) {
            --pause_;
            return;
        }
        if (below(random, 50) == 0) pause_ = below(random, 30);
        if (below(random, 2) == 0) {
            send(std::size_t{1} << below(random, 18));
        } else {
            receive(std::size_t{1} << below(random, 18));
        }
    }

    /// Waits until this peer could send or read, at most 1 ms.
    void rest() const {
        if (has_reset_) return;
        const bool wants_to_send = !finished_;
        loopback::events_of(wants_to_send ? out_.get() : in_.get(),
                            wants_to_send ? POLLOUT : POLLIN, std::chrono::milliseconds(1));
    }

  private:
    void send(std::size_t most) {
        if (finished_) return;
        most = std::min(most, bytes_.size() - sent_);
        if (reset_at_) most = std::min(most, *reset_at_ - sent_);
        const ssize_t put = most == 0 ? 0 : ::write(out_.get(), bytes_.data() + sent_, most);
        if (put < 0 && errno != EAGAIN) {
            finished_ = true;
            // ECONNRESET is reported once, by the first call after the reset (socket(7) SO_ERROR).
            if (errno == ECONNRESET) end_ = "reset";
        }
        if (put > 0) sent_ += static_cast<std::size_t>(put);
        if (reset_at_ && sent_ == *reset_at_) {
            in_.reset();
            loopback::reset(out_);
            has_reset_ = true;
        } else if (sent_ == bytes_.size()) {
            finished_ = true;
            if (::shutdown(out_.get(), SHUT_WR) < 0) out_.reset();  // a pipe
        }
    }

    void receive(std::size_t most) {
        if (!end_.empty()) return;
        buffer_.resize(most);
        const ssize_t got = ::read(in_.get(), buffer_.data(), buffer_.size());
        if (got > 0) received_.append(buffer_, 0, static_cast<std::size_t>(got));
        if (got == 0) end_ = "end";
        if (got < 0 && errno != EAGAIN) {
            end_ = errno == ECONNRESET ? "reset" : sys::error_text(errno);
        }
    }

    UniqueFd in_;
    UniqueFd out_;
    std::string bytes_;
    std::optional<std::size_t> reset_at_;
    std::size_t sent_ = 0;
    bool finished_ = false;
    bool has_reset_ = false;
    std::size_t pause_ = 0;
    std::string received_;
    std::string end_;
    std::string buffer_;
};

Peer on_socket(UniqueFd fd, std::string bytes, std::optional<std::size_t> reset_at = {}) {
    UniqueFd again(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
    return Peer(std::move(fd), std::move(again), std::move(bytes), reset_at);
}

/// Lets both peers take steps in turn until both are over.
::testing::AssertionResult play(Peer& client, Peer& server, Random& random) {
    const auto limit = Clock::now() + loopback::kPatience;
    for (int step = 0; !client.is_over() || !server.is_over(); ++step) {
        client.step(random);
        server.step(random);
        if (step % 16 != 0) continue;
        if (Clock::now() >= limit)
            return ::testing::AssertionFailure() << "the peers did not finish in time";
        client.rest();
        server.rest();
    }
    return ::testing::AssertionSuccess();
}

class RelayProperty : public testing::Test {
  protected:
    RelayProperty() { ::signal(SIGPIPE, SIG_IGN); }  // as in the program

    static constexpr std::size_t kLongest = 400'000;
    static constexpr unsigned kRounds = 40;
};

// fault: E5, E8
TEST_F(RelayProperty, DeliversEveryByteThenTheEof) {
    for (unsigned seed = 0; seed < kRounds; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        Pair from = loopback::tcp_pair();
        Pair to = loopback::tcp_pair();
        Peer client =
            on_socket(UniqueFd(from.far.release()), stream_of(below(random, kLongest), seed));
        Peer server = on_socket(std::move(to.far), stream_of(below(random, kLongest), ~seed));
        Relaying relaying(std::move(from), socket_side(std::move(to.near)));
        ASSERT_TRUE(play(client, server, random));
        EXPECT_TRUE(server.received() == client.bytes());
        EXPECT_TRUE(client.received() == server.bytes());
        EXPECT_EQ(server.end(), "end");
        EXPECT_EQ(client.end(), "end");
        EXPECT_EQ(relaying.totals(), std::to_string(client.bytes().size()) + " " +
                                         std::to_string(server.bytes().size()));
    }
}

// fault: E6
TEST_F(RelayProperty, DeliversAResetAfterSomeOfTheBytes) {
    for (unsigned seed = 0; seed < kRounds; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        Pair from = loopback::tcp_pair();
        Pair to = loopback::tcp_pair();
        const bool by_client = seed % 2 == 0;
        // Before the last byte, so no EOF has been sent.
        const std::size_t size = 1 + below(random, kLongest);
        const std::size_t reset_at = below(random, size);
        const std::size_t other = below(random, kLongest);
        Peer client =
            on_socket(UniqueFd(from.far.release()), stream_of(by_client ? size : other, seed),
                      by_client ? std::optional(reset_at) : std::nullopt);
        Peer server = on_socket(std::move(to.far), stream_of(by_client ? other : size, ~seed),
                                by_client ? std::nullopt : std::optional(reset_at));
        Relaying relaying(std::move(from), socket_side(std::move(to.near)));
        const Peer& breaker = by_client ? client : server;
        const Peer& survivor = by_client ? server : client;
        ASSERT_TRUE(play(client, server, random));
        EXPECT_TRUE(breaker.has_reset());
        EXPECT_EQ(survivor.end(), "reset");
        EXPECT_TRUE(breaker.bytes().starts_with(survivor.received()));
        EXPECT_TRUE(survivor.bytes().starts_with(breaker.received()));
        EXPECT_TRUE(relaying.ends_within());
    }
}

// fault: D5
TEST_F(RelayProperty, DeliversEveryByteThenTheEofOnPipes) {
    for (unsigned seed = 0; seed < kRounds; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        Pair from = loopback::tcp_pair();
        int in[2] = {-1, -1};
        int out[2] = {-1, -1};
        ASSERT_EQ(::pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
        ASSERT_EQ(::pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
        Peer client =
            on_socket(UniqueFd(from.far.release()), stream_of(below(random, kLongest), seed));
        Peer server(UniqueFd{in[0]}, UniqueFd{out[1]}, stream_of(below(random, kLongest), ~seed),
                    std::nullopt);
        Relaying relaying(std::move(from), Side::pipes(UniqueFd{out[0]}, UniqueFd{in[1]}));
        ASSERT_TRUE(play(client, server, random));
        EXPECT_TRUE(server.received() == client.bytes());
        EXPECT_TRUE(client.received() == server.bytes());
        EXPECT_EQ(server.end(), "end");
        EXPECT_EQ(client.end(), "end");
        EXPECT_TRUE(relaying.ends_within());
    }
}

}  // namespace
}  // namespace portsplit::dispatch
