#include "dispatch/zygote.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "dispatch/connections.h"
#include "dispatch/dispatcher.h"
#include "dispatch/launch.h"
#include "dispatch/record.h"
#include "dispatch/spares.h"
#include "exit_codes.h"
#include "handoff.h"
#include "sys/channel.h"
#include "sys/process.h"
#include "sys/signals.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using sys::Level;
using sys::UniqueFd;

/// So few spares make the zygote fork more.
constexpr std::size_t kFewSpares = kSpares / 2;

/// After no process could be had, or a spare was killed: neither must lead to a storm of forks.
constexpr std::chrono::milliseconds kForkPause{100};

/// How often the zygote looks for itself whether spares are few, where they cannot say so.
constexpr std::chrono::milliseconds kWaryPause{500};

/// More than the channel holds of honest messages; a flood must not keep the zygote from its work.
constexpr int kProgressBatch = 1000;

/// A dispatcher's way to the zygote: the kernel stamps each message with the sender's process id,
/// so that none can speak for another.
class ChannelReporter final : public Reporter {
  public:
    explicit ChannelReporter(int channel) : channel_(channel) {}

  protected:
    void send(const Progress& progress) override {
        // Only the log line suffers when nobody listens any more.
        (void)sys::send_message(channel_, std::as_bytes(std::span(&progress, 1)), -1, 0);
    }

  private:
    int channel_;
};

/// A message of a known layout in `buffer`; nothing when it is another.
template <typename Message>
std::optional<Message> message_in(std::span<const std::byte> buffer) {
    if (buffer.size() != sizeof(Message)) return std::nullopt;
    Message message;
    std::memcpy(&message, buffer.data(), sizeof message);
    return message;
}

class Zygote {
  public:
    Zygote(const core::Plan& plan, sys::Log& log, UniqueFd channel, UniqueFd signals,
           UniqueFd progress_in, UniqueFd progress_out, Spares spares)
        : plan_(plan),
          log_(log),
          connection_log_(plan, log, ConnectionLog::Rate::Limited),
          setting_{plan, clean_environment(), log.descriptor()},
          channel_(std::move(channel)),
          signals_(std::move(signals)),
          progress_in_(std::move(progress_in)),
          progress_out_(std::move(progress_out)),
          spares_(std::move(spares)) {}

    int run();

  private:
    void fork_spares();
    bool fork_spare();
    [[noreturn, gnu::noinline]] void be_spare(Spares::Place& place);
    void take_departures();
    void add(pid_t pid, const handoff::Connection& message);
    void take_progress();
    void renew_progress();
    void reap();
    void finish(pid_t pid, int status);
    void finish_spare(const sys::Ended& ended, const Spares::Ended& spare);
    template <typename Message>
    void tell(const Message& message);

    const core::Plan& plan_;
    sys::Log& log_;
    ConnectionLog connection_log_;
    const Setting setting_;
    UniqueFd channel_;
    UniqueFd signals_;
    UniqueFd progress_in_;
    UniqueFd progress_out_;
    Spares spares_;
    Connections connections_;
    bool open_ = true;             ///< connections may still come
    bool wary_ = false;            ///< there may be spares whose words do not arrive
    Clock::time_point fork_at_{};  ///< not before; after a fork failed, or a spare died
};

int Zygote::run() {
    tell(handoff::Ready{});
    while (true) {
        fork_spares();
        if (!open_ && spares_.count() == 0 && connections_.empty()) return 0;
        std::array<pollfd, 2> entries{{
            {.fd = progress_in_.get(), .events = POLLIN, .revents = 0},
            {.fd = signals_.get(), .events = POLLIN, .revents = 0},
        }};
        const bool short_of_spares = open_ && spares_.count() <= kFewSpares;
        auto until = short_of_spares ? fork_at_ : Clock::time_point::max();
        if (wary_) until = std::min(until, Clock::now() + kWaryPause);
        const int ready = sys::retry(
            [&] { return ::poll(entries.data(), entries.size(), sys::poll_timeout(until)); });
        if (ready < 0) {
            log_.line(Level::Error, "cannot wait for connections: " + sys::error_text(errno));
            return kExitSystem;
        }
        take_departures();
        // Only while spares are few does anybody wait for what is done here.
        if (spares_.count() > kFewSpares) sys::yield();
        if (entries[0].revents != 0) take_progress();
        if (entries[1].revents != 0) reap();
    }
}

/// Keeps the spares up. Every dispatcher tells something before it waits for anything, so the
/// zygote hears in time that they have become few.
void Zygote::fork_spares() {
    take_departures();
    if (!open_ || spares_.count() > kFewSpares || Clock::now() < fork_at_) return;
    // Inherited, so that a spare is never called anything else.
    sys::set_name("portsplit-spare");
    while (spares_.count() < kSpares && fork_spare()) continue;
    sys::set_name("portsplit-dispatch");
}

/// @returns false when no process can be had now
bool Zygote::fork_spare() {
    Spares::Place* place = spares_.vacancy();
    if (place == nullptr) return false;
    // With one thread and no handlers, fork(3) would do no more than dirty pages.
    const pid_t pid = ::_Fork();
    if (pid == 0) be_spare(*place);
    if (pid > 0) {
        spares_.settle(*place, pid);
        return true;
    }
    if (spares_.count() == 0) {
        log_.limited(Level::Error, "failed forks",
                     "cannot fork, clients wait until it works again: " + sys::error_text(errno));
    }
    fork_at_ = Clock::now() + kForkPause;
    return false;
}

void Zygote::be_spare(Spares::Place& place) {
    // A group of its own: no signal to a group reaches or leaves it.
    ::setpgid(0, 0);
    signals_.reset();
    progress_in_.reset();
    sys::unblock_signals();

    auto client = spares_.take(place, channel_.get());
    if (!client) ::_exit(kExitUnused);
    const handoff::Connection message = place.message;
    place.state.store(Spares::State::Taken, std::memory_order_release);
    // From here on nothing is left of what it shared with others.
    spares_.give_up();
    channel_.reset();
    sys::set_name("portsplit-dispatch");

    ChannelReporter reporter(progress_out_.get());
    ::_exit(serve({std::move(*client), message.ends, message.accepted}, setting_, reporter));
}

/// Takes note of the connections that spares have taken.
void Zygote::take_departures() {
    while (const auto departure = spares_.next_departure()) {
        add(departure->pid, departure->message);
    }
}

void Zygote::add(pid_t pid, const handoff::Connection& message) {
    connections_.add(pid, {message.id, {message.accepted, message.ends, {}}});
}

void Zygote::take_progress() {
    std::array<std::byte, sizeof(Progress) + 1> buffer;
    for (int i = 0; i < kProgressBatch; ++i) {
        const auto received = sys::receive_message(progress_in_.get(), buffer);
        if (!received) return;
        if (received->size == 0) return renew_progress();
        const auto progress = message_in<Progress>(std::span(buffer).first(received->size));
        Row* connection = connections_.find(received->sender);
        if (connection == nullptr) {  // it may have left its place this very moment
            take_departures();
            connection = connections_.find(received->sender);
        }
        // A dispatcher that was taken over can send anything; it can only spoil its own line.
        if (!progress || connection == nullptr || !is_valid(plan_, *progress)) continue;
        connection_log_.update(connection->record, *progress, received->sender);
    }
}

/// Only a dispatcher that was taken over can have shut the channel. Its siblings of the same
/// channel, spares among them, lose their words; those to come get a new one.
void Zygote::renew_progress() {
    auto fresh = sys::channel_pair();
    if (!fresh || !sys::stamp_senders(fresh->first.get())) return;
    progress_in_ = std::move(fresh->first);
    progress_out_ = std::move(fresh->second);
    wary_ = true;
    log_.limited(
        Level::Error, "shut channels",
        "a dispatcher shut the channel it shares with others, which it has no reason to do: "
        "it may have been taken over");
}

void Zygote::reap() {
    (void)sys::next_signal(signals_.get());
    while (const auto ended = sys::reap()) {
        take_progress();  // what it told before it ended; nothing is forked before that
        if (const auto spare = spares_.on_end(ended->pid)) {
            finish_spare(*ended, *spare);
        } else {
            finish(ended->pid, ended->status);
        }
    }
}

/// A spare that ended without leaving its place.
void Zygote::finish_spare(const sys::Ended& ended, const Spares::Ended& spare) {
    const handoff::Connection& message = spare.message;
    if (spare.state == Spares::State::Misunderstood) {
        log_.limited(Level::Error, "bad messages from the daemon",
                     "a message from the daemon was not understood; its connection is closed");
        if (message.id != 0) tell(handoff::Reaped{.id = message.id});
    } else if (message.id != 0) {  // it died with the connection in its hands
        add(ended.pid, message);
        finish(ended.pid, ended.status);
    } else if (spare.state == Spares::State::Dismissed) {
        open_ = false;
    } else {
        fork_at_ = Clock::now() + kForkPause;
    }
}

void Zygote::finish(pid_t pid, int status) {
    const Row* connection = connections_.find(pid);
    if (connection == nullptr) return;
    connection_log_.finish(connection->record, status, pid);
    tell(handoff::Reaped{.id = connection->id});
    connections_.remove(pid);
}

/// The daemon may be gone; the connections are served all the same.
template <typename Message>
void Zygote::tell(const Message& message) {
    const auto bytes = std::as_bytes(std::span(&message, 1));
    // A daemon that is stopped must not lose count: only one that is gone is not waited for.
    while (true) {
        const auto sent = sys::send_message(channel_.get(), bytes, -1, 0);
        if (sent || sent.error().code != EAGAIN) return;
    }
}

}  // namespace

int run_zygote(const core::Plan& plan, sys::Log& log) {
    auto signals = sys::signals_by_fd({SIGCHLD});
    auto progress = sys::channel_pair();
    const auto failed = [&log](const sys::SysError& error) {
        log.line(Level::Error, sys::to_string(error));
        return kExitSystem;
    };
    if (!signals) return failed(signals.error());
    if (!progress) return failed(progress.error());
    if (auto stamped = sys::stamp_senders(progress->first.get()); !stamped) {
        return failed(stamped.error());
    }
    auto spares = Spares::create();
    if (!spares) return failed(spares.error());
    Zygote zygote(plan, log, UniqueFd(handoff::kChannelFd), std::move(*signals),
                  std::move(progress->first), std::move(progress->second), std::move(*spares));
    return zygote.run();
}

}  // namespace portsplit::dispatch
