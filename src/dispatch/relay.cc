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
#include "sys/process.h"
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

/// Waits until something can move, and marks what broke.
class Poller {
  public:
    Poller(Flow& up, Flow& down) : flows_{&up, &down} {}

    /// @returns false when nothing came within the limit
    bool wait(std::chrono::milliseconds limit) {
        std::array<pollfd, 4> entries;
        entries.fill({.fd = -1, .events = 0, .revents = 0});
        for (std::size_t i = 0; i < 2; ++i) add(i, entries);
        for (std::size_t k = 0; k < entries.size(); ++k) leave_out(k, entries[k]);
        const auto timeout = static_cast<int>(limit.count());
        const int ready =
            sys::retry([&] { return ::poll(entries.data(), entries.size(), timeout); });
        if (ready <= 0) return false;
        for (std::size_t k = 0; k < entries.size(); ++k) note_end(k, entries[k]);
        for (std::size_t i = 0; i < 2; ++i) look(i, entries);
        return true;
    }

    /// Whether the last wait found something to do for a direction, 0 up or 1 down.
    bool woken(std::size_t flow) const { return woken_[flow]; }
    Flow::Said said(std::size_t flow) const { return said_[flow]; }

  private:
    using Entries = std::array<pollfd, 4>;

    static std::size_t from(std::size_t flow) { return 2 * flow; }
    /// A socket is one entry for both directions.
    std::size_t to(std::size_t flow) const {
        return flows_[flow]->to().is_socket() ? from(1 - flow) : 2 * flow + 1;
    }

    void add(std::size_t i, Entries& entries) const {
        const Flow& flow = *flows_[i];
        if (flow.done()) return;
        entries[from(i)].fd = flow.from().from();
        if (flow.wants_read()) entries[from(i)].events |= POLLIN | POLLRDHUP;
        entries[to(i)].fd = flow.to().to();
        if (flow.wants_write()) entries[to(i)].events |= POLLOUT;
    }

    /// A descriptor that hung up stays so for ever; while nothing is wanted of it, it must be left
    /// out, or the wait becomes a spin.
    void leave_out(std::size_t k, pollfd& entry) {
        if (entry.events != 0) hung_up_[k] = false;
        if (hung_up_[k]) entry.fd = -1;
    }
    void note_end(std::size_t k, const pollfd& entry) {
        if ((entry.revents & (kBroken | POLLHUP)) != 0 && entry.events == 0) hung_up_[k] = true;
    }

    void look(std::size_t i, const Entries& entries) {
        Flow& flow = *flows_[i];
        const short source = flow.done() ? short{0} : entries[from(i)].revents;
        const short sink = flow.done() ? short{0} : entries[to(i)].revents;
        woken_[i] = (source & (POLLIN | POLLHUP | kBroken)) != 0 || (sink & POLLOUT) != 0;
        said_[i] = (source & POLLRDHUP) != 0            ? Flow::Said::Ended
                   : (source & (POLLIN | POLLERR)) != 0 ? Flow::Said::Readable
                                                        : Flow::Said::Nothing;
        if ((source & kBroken) != 0 && flow.from().is_socket()) flow.from().mark_broken();
        if ((sink & kBroken) == 0) return;
        // A program that stopped reading has only ended this direction.
        if (flow.to().is_socket()) flow.to().mark_broken();
        flow.cut();
    }

    static constexpr short kBroken = POLLERR | POLLNVAL;

    std::array<Flow*, 2> flows_;
    std::array<bool, 4> hung_up_{};
    std::array<bool, 2> woken_{};
    std::array<Flow::Said, 2> said_{};
};

/// Reads and forgets what the client still sends, for a moment. Apart from its caller, whose stack
/// would grow by these bytes in every relay.
[[gnu::noinline]] void linger(int client) {
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

Totals relay(Side client, Side server, std::chrono::milliseconds half_closed_limit,
             Reporter& reporter) {
    Flow up(client, server);
    Flow down(server, client);
    Poller poller(up, down);
    bool silent = false;
    up.pump(Flow::Said::Readable);
    reporter.about_to_block();
    while (!silent) {
        if (poller.woken(0)) up.pump(poller.said(0));
        if (poller.woken(1)) down.pump(poller.said(1));
        // Nothing goes to a broken side any more; what it had sent still comes.
        if (server.broken() || (down.done() && server.ends_whole())) up.cut();
        if (client.broken()) down.cut();
        if (up.done() && down.done()) break;
        silent = !poller.wait(patience(up, down, half_closed_limit));
    }
    // Both sides have what was theirs: the clearing up lets others go first.
    sys::give_way();
    if (client.broken() || server.broken() || (silent && server.is_socket())) {
        carry_reset(client, server);
    } else if (up.cut_short()) {
        linger(client.from());
    }
    return {up.moved(), down.moved()};
}

}  // namespace portsplit::dispatch
