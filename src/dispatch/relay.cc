// How it works
//
// A relay is two flows, `up` (client to target) and `down`, and one poll(2) for the descriptors of
// both. Each wake-up pumps the flows that have work, until both are done.
//
// EOF. Each flow sends it on behind its last byte (flow.cc). When one direction has ended, the other
// goes on: a target may think for an hour before it answers. Keepalive ends the connection of a
// peer that went away without a FIN (tcp(7)).
//
// Silence. `idle` and `half_closed` count from the last event: a sink that does not read is silent, too.
//
// A terminal differs twice. Its hang-up (EIO) ends both directions. In raw mode it cannot be sent an
// EOF, so its program does not see the client's. When the relay ends, closing the terminal sends
// SIGHUP to the program.
//
// A reset of one side ends both directions. First the bytes that the broken side had sent are
// delivered (RFC 9293 3.10.7.4), then the other side gets a reset too: it must not take a broken
// stream for a complete one. Setting SO_LINGER to 0 makes close(2) send the reset, and that drops
// unsent bytes, so `wait_until_sent` comes first, for at most `before_reset`.
//
// Lingering close. A program may end, or stop reading, while its client still sends. To close a
// socket with unread input sends a reset, which destroys the answer if it is still on its way
// (RFC 9293 3.6.1, RFC 9112 9.6). So the client's input is read and dropped until it ends, is silent
// for `linger_silence`, or `linger_total` is over.
//
// A long stream. A relay that moves bytes at full speed uses the processor for its whole time slice, about
// 3 ms, and a client that comes then waits for that. So after `long_stream` bytes a relay takes a slice of
// 0.1 ms. Measured beside one stream at full speed: the 99th percentile of the time to a first byte
// was 2.5 ms, without it 3.2 ms, and the stream was as fast. A kernel without such slices is asked
// for a larger nice value, which takes a tenth of the speed if client, server and relay share few
// processors. It cannot be lowered again, so a relay of fewer bytes stays as it is.
//
// A hung-up descriptor (POLLHUP, POLLERR) is reported by every poll(2), even without requested
// events. Poller excludes it until an event of it is requested; else the loop would be a busy loop.

#include "dispatch/relay.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "dispatch/flow.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/poll_set.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;

/// The directions, as indexes of Poller's arrays.
constexpr std::size_t kUp = 0;
constexpr std::size_t kDown = 1;

/// What is added to the nice value of a relay with a long stream (nice(2)) that cannot have short turns.
constexpr int kNicer = 5;

/// Waits until a flow has work, and marks the sides that poll(2) reports as broken.
class Poller {
  public:
    Poller(Flow& up, Flow& down) : flows_{&up, &down} {}

    /// After poll(2) failed it pauses, and finds no work: a stream is not cut because memory was short for a moment.
    /// @returns false if the limit passed without an event
    bool wait(std::chrono::milliseconds limit) {
        Entries entries;
        entries.fill({.fd = -1, .events = 0, .revents = 0});
        for (const std::size_t direction : {kUp, kDown}) request_events(direction, entries);
        for (std::size_t k = 0; k < entries.size(); ++k) exclude_hung_up(k, entries[k]);
        const auto timeout = static_cast<int>(limit.count());
        const int ready =
            sys::retry([&] { return ::poll(entries.data(), entries.size(), timeout); });
        if (ready == 0) return false;
        if (ready < 0) {
            has_work_ = {};
            sys::pause_after_failed_poll();
            return true;
        }
        for (std::size_t k = 0; k < entries.size(); ++k) note_hang_up(k, entries[k]);
        for (const std::size_t direction : {kUp, kDown}) note_events(direction, entries);
        return true;
    }

    /// True if the last wait found work for this direction.
    bool has_work(std::size_t direction) const { return has_work_[direction]; }
    SourceState source_state(std::size_t direction) const { return source_state_[direction]; }

  private:
    /// Source and sink of `up`, source and sink of `down`; unused entries have descriptor -1.
    using Entries = std::array<pollfd, 4>;

    static constexpr short kBroken = POLLERR | POLLNVAL;

    static std::size_t source_entry(std::size_t direction) { return 2 * direction; }
    /// A socket is the sink of one flow and the source of the other, in one entry.
    std::size_t sink_entry(std::size_t direction) const {
        return flows_[direction]->sink().is_socket() ? source_entry(1 - direction)
                                                     : 2 * direction + 1;
    }

    void request_events(std::size_t direction, Entries& entries) const {
        const Flow& flow = *flows_[direction];
        if (flow.is_done()) return;
        pollfd& source = entries[source_entry(direction)];
        source.fd = flow.source().read_fd();
        if (flow.wants_read()) source.events |= POLLIN | POLLRDHUP;
        pollfd& sink = entries[sink_entry(direction)];
        sink.fd = flow.sink().write_fd();
        if (flow.wants_write()) sink.events |= POLLOUT;
    }

    void exclude_hung_up(std::size_t k, pollfd& entry) {
        if (entry.events != 0) hung_up_[k] = false;
        if (hung_up_[k]) entry.fd = -1;
    }
    void note_hang_up(std::size_t k, const pollfd& entry) {
        if ((entry.revents & (kBroken | POLLHUP)) != 0 && entry.events == 0) hung_up_[k] = true;
    }

    void note_events(std::size_t direction, const Entries& entries) {
        Flow& flow = *flows_[direction];
        const bool done = flow.is_done();
        const short source = done ? short{0} : entries[source_entry(direction)].revents;
        const short sink = done ? short{0} : entries[sink_entry(direction)].revents;
        has_work_[direction] =
            (source & (POLLIN | POLLHUP | kBroken)) != 0 || (sink & POLLOUT) != 0;
        source_state_[direction] = (source & POLLRDHUP) != 0            ? SourceState::AtEof
                                   : (source & (POLLIN | POLLERR)) != 0 ? SourceState::Readable
                                                                        : SourceState::Unknown;
        if ((source & kBroken) != 0 && flow.source().is_socket()) flow.source().mark_broken();
        if ((sink & kBroken) == 0) return;
        // A program that closed its input has ended this direction only.
        if (flow.sink().is_socket()) flow.sink().mark_broken();
        flow.stop();
    }

    std::array<Flow*, 2> flows_;
    std::array<bool, 4> hung_up_{};  ///< reported as hung up while no event of it was requested
    std::array<bool, 2> has_work_{};
    std::array<SourceState, 2> source_state_{};
};

/// Reads and drops the client's input before its socket is closed. Not inlined: its 16 KiB would
/// enlarge the stack frame of every relay, and few relays come here.
[[gnu::noinline]] void linger(int client, const RelayLimits& limits) {
    const auto end = Clock::now() + limits.linger_total;
    std::array<std::byte, 16384> dropped;
    while (true) {
        const ssize_t got = sys::retry(
            [&] { return ::recv(client, dropped.data(), dropped.size(), MSG_DONTWAIT); });
        if (got == 0 || (got < 0 && errno != EAGAIN) || Clock::now() >= end) return;
        if (got > 0) continue;
        pollfd entry{.fd = client, .events = POLLIN, .revents = 0};
        const auto until = std::min(end, Clock::now() + limits.linger_silence);
        if (sys::retry([&] { return ::poll(&entry, 1, sys::poll_timeout(until)); }) <= 0) return;
    }
}

/// Returns how long no byte may move before the relay times out.
std::chrono::milliseconds silence_limit(const Flow& up, const Flow& down,
                                        const RelayLimits& limits) {
    const Side& client = up.source();
    const Side& target = up.sink();
    // After a reset, the other side has `before_reset` to read the bytes that came before it.
    if (target.is_broken() || client.is_broken()) return limits.before_reset;
    return up.is_done() || down.is_done() ? limits.half_closed : limits.idle;
}

/// Waits until the kernel has sent what was written to a socket (tcp(7) SIOCOUTQNSD). No event of
/// poll(2) reports that, so it looks every 10 ms.
void wait_until_sent(const Side& side, std::chrono::milliseconds limit) {
    const auto end = Clock::now() + limit;
    int unsent = 0;
    while (::ioctl(side.write_fd(), SIOCOUTQNSD, &unsent) == 0 && unsent > 0 &&
           Clock::now() < end) {
        ::poll(nullptr, 0, 10);
    }
}

/// Makes the close of both sides a reset, after the bytes that were written to them.
void reset_both(Side& client, Side& target, const RelayLimits& limits) {
    for (Side* side : {&client, &target}) {
        if (!side->is_broken() && side->is_socket()) wait_until_sent(*side, limits.before_reset);
        side->reset_on_close();
    }
}

void take_short_turns(std::chrono::nanoseconds slice) {
    if (sys::set_time_slice(slice)) return;
    [[maybe_unused]] const int raised = ::nice(kNicer);
}

}  // namespace

Totals relay(Side client, Side target, const RelayLimits& limits, Reporter& reporter,
             core::Bytes ahead) {
    Pipe shared;
    Flow up(client, target, shared);
    Flow down(target, client, shared);
    Poller poller(up, down);
    bool timed_out = false;
    bool is_long = false;
    if (!ahead.empty()) up.hold(ahead);
    up.pump(SourceState::Unknown);
    const std::uint64_t first_bytes = up.bytes_moved();
    bool is_heard = !limits.publish_heard;
    reporter.about_to_block();
    while (!timed_out) {
        if (poller.has_work(kUp)) up.pump(poller.source_state(kUp));
        if (poller.has_work(kDown)) down.pump(poller.source_state(kDown));
        if (!is_heard && up.bytes_moved() > first_bytes) {
            is_heard = true;
            reporter.publish_heard();
        }
        // Nothing can be written to a broken side; bytes that it sent earlier are still read.
        if (target.is_broken() || (down.is_done() && target.eof_ends_both())) up.stop();
        if (client.is_broken()) down.stop();
        if (up.is_done() && down.is_done()) break;
        if (!is_long && up.bytes_moved() + down.bytes_moved() >= limits.long_stream) {
            is_long = true;
            take_short_turns(limits.short_slice);
        }
        timed_out = !poller.wait(silence_limit(up, down, limits));
    }
    // All bytes are written. Let other connections run before the cleanup: measured, this lowers the
    // median time to a first byte from 204 to 177 µs.
    sys::yield();
    if (client.is_broken() || target.is_broken() || timed_out) {
        reset_both(client, target, limits);
    } else if (up.stopped_before_eof()) {
        linger(client.read_fd(), limits);
    }
    return {up.bytes_moved(), down.bytes_moved(), client.is_broken() || timed_out};
}

}  // namespace portsplit::dispatch
