#include "dispatch/relay.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "dispatch/flow.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;

/// How long a client may go on sending what nobody reads before its socket is closed: closing at
/// once would reset the connection and could destroy the answer on its way (RFC 9293 3.6.1).
constexpr std::chrono::seconds kLingerSilence{1};
constexpr std::chrono::seconds kLingerLimit{5};

/// A raw terminal cannot be told that its client has ended: it is hung up after so long a silence.
constexpr std::chrono::seconds kHangUpAfter{5};

/// A descriptor in the poll set that hung up stays readable for ever; while nothing is wanted of
/// it, it must be left out, or the wait becomes a spin.
class Watched {
  public:
    pollfd entry(int fd, short wanted) {
        if (wanted != 0) hung_up_ = false;
        return {.fd = hung_up_ ? -1 : fd, .events = wanted, .revents = 0};
    }

    /// @returns false when the descriptor reports an error
    bool look(const pollfd& entry) {
        const bool error = (entry.revents & (POLLERR | POLLNVAL)) != 0;
        if ((error || (entry.revents & POLLHUP) != 0) && entry.events == 0) hung_up_ = true;
        return !error;
    }

  private:
    bool hung_up_ = false;
};

/// Waits until something can move, and marks what broke.
class Poller {
  public:
    Poller(Flow& up, Flow& down) : flows_{&up, &down} {}

    /// @returns false when nothing came within the limit
    bool wait(std::chrono::milliseconds limit) {
        std::array<pollfd, 4> entries{};
        for (std::size_t i = 0; i < 2; ++i) {
            const Flow& flow = *flows_[i];
            const short in = flow.wants_read() ? POLLIN : 0;
            const short out = flow.wants_write() ? POLLOUT : 0;
            const bool idle = flow.done();
            entries[2 * i] = watched_[2 * i].entry(idle ? -1 : flow.from().from(), in);
            entries[2 * i + 1] = watched_[2 * i + 1].entry(idle ? -1 : flow.to().to(), out);
        }
        const auto until = limit == kForEver ? Clock::time_point::max() : Clock::now() + limit;
        const int ready = sys::retry(
            [&] { return ::poll(entries.data(), entries.size(), sys::poll_timeout(until)); });
        if (ready <= 0) return false;
        for (std::size_t i = 0; i < 2; ++i) {
            Flow& flow = *flows_[i];
            readable_[i] = (entries[2 * i].revents & (POLLIN | POLLERR)) != 0;
            if (!watched_[2 * i].look(entries[2 * i]) && flow.from().is_socket()) {
                flow.from().mark_broken();
            }
            if (watched_[2 * i + 1].look(entries[2 * i + 1])) continue;
            // A program that stopped reading has only ended this direction.
            if (flow.to().is_socket()) flow.to().mark_broken();
            flow.cut();
        }
        return true;
    }

    /// Whether the last wait found bytes to read for a direction, 0 up or 1 down.
    bool readable(std::size_t flow) const { return readable_[flow]; }

  private:
    std::array<Flow*, 2> flows_;
    std::array<Watched, 4> watched_;
    std::array<bool, 2> readable_{};
};

/// Reads and forgets what the client still sends, for a moment.
void linger(int client) {
    const auto limit = Clock::now() + kLingerLimit;
    std::array<std::byte, 16384> unread;
    while (true) {
        const ssize_t got =
            sys::retry([&] { return ::recv(client, unread.data(), unread.size(), MSG_DONTWAIT); });
        if (got == 0 || (got < 0 && errno != EAGAIN) || Clock::now() >= limit) return;
        if (got > 0) continue;
        pollfd entry{.fd = client, .events = POLLIN, .revents = 0};
        const auto until = std::min(limit, Clock::now() + kLingerSilence);
        if (sys::retry([&] { return ::poll(&entry, 1, sys::poll_timeout(until)); }) <= 0) return;
    }
}

/// How long nothing need move before the relay is given up.
std::chrono::milliseconds patience(const Flow& up, const Flow& down,
                                   std::chrono::milliseconds half_closed_limit) {
    const Side& server = up.to();
    // What a side said before it broke is worth a moment, not a wait for a reader that is stuck.
    if (server.broken() || up.from().broken()) return kLingerSilence;
    if (!up.done() && !down.done()) return kForEver;
    // A side that is slow to read is not silent.
    if (up.wants_write() || down.wants_write()) return kForEver;
    return server.knows_its_end() ? half_closed_limit : kHangUpAfter;
}

/// Waits a moment for what was written to leave this machine: a reset would overtake it.
void let_out(const Side& side) {
    const auto limit = Clock::now() + kLingerSilence;
    int unsent = 0;
    while (::ioctl(side.to(), SIOCOUTQNSD, &unsent) == 0 && unsent > 0 && Clock::now() < limit) {
        ::poll(nullptr, 0, 10);
    }
}

/// A stream that was cut must not look like one that ended.
void carry_reset(Side& client, Side& server) {
    for (Side* side : {&client, &server}) {
        if (!side->broken() && side->is_socket()) let_out(*side);
        side->reset_on_close();
    }
}

}  // namespace

Totals relay(Side client, Side server, std::chrono::milliseconds half_closed_limit) {
    Flow up(client, server);
    Flow down(server, client);
    Poller poller(up, down);
    bool silent = false;
    while (!silent) {
        up.pump(poller.readable(0));
        down.pump(poller.readable(1));
        // Nothing goes to a broken side any more; what it had sent still comes.
        if (server.broken() || (down.done() && server.ends_whole())) up.cut();
        if (client.broken()) down.cut();
        if (up.done() && down.done()) break;
        silent = !poller.wait(patience(up, down, half_closed_limit));
    }
    if (client.broken() || server.broken() || (silent && server.is_socket())) {
        carry_reset(client, server);
    } else if (up.cut_short()) {
        linger(client.from());
    }
    return {up.moved(), down.moved()};
}

}  // namespace portsplit::dispatch
