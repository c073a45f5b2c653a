#include "dispatch/zygote.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "dispatch/connections.h"
#include "dispatch/environment.h"
#include "dispatch/serve.h"
#include "handoff.h"
#include "sys/channel.h"
#include "sys/process.h"
#include "sys/signals.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using sys::Level;
using sys::UniqueFd;

/// More than the channel holds of honest messages; a flood must not keep the zygote from its work.
constexpr int kProgressBatch = 1000;

/// A dispatcher's way to the zygote: the kernel stamps each message with the sender's process id,
/// so that none can speak for another.
class ChannelReporter final : public Reporter {
  public:
    explicit ChannelReporter(int channel) : channel_(channel) {}

  protected:
    void publish(const Progress& progress) override {
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
           UniqueFd progress_in, UniqueFd progress_out)
        : plan_(plan),
          log_(log),
          channel_(std::move(channel)),
          signals_(std::move(signals)),
          progress_in_(std::move(progress_in)),
          progress_out_(std::move(progress_out)) {}

    int run();

  private:
    /// @returns false when the listener has ended its side
    bool take_connection();
    void start_dispatcher(UniqueFd client, const handoff::Connection& message);
    [[noreturn]] void be_dispatcher(UniqueFd client, const handoff::Connection& message);
    void take_progress();
    void renew_progress();
    void reap();
    void finish(pid_t pid, int status);
    template <typename Message>
    void tell(const Message& message);

    const core::Plan& plan_;
    sys::Log& log_;
    UniqueFd channel_;
    UniqueFd signals_;
    UniqueFd progress_in_;
    UniqueFd progress_out_;
    Connections connections_;
};

int Zygote::run() {
    tell(handoff::Ready{});
    bool open = true;
    while (open || !connections_.empty()) {
        std::array<pollfd, 3> entries{{
            {.fd = open ? channel_.get() : -1, .events = POLLIN, .revents = 0},
            {.fd = progress_in_.get(), .events = POLLIN, .revents = 0},
            {.fd = signals_.get(), .events = POLLIN, .revents = 0},
        }};
        if (sys::retry([&] { return ::poll(entries.data(), entries.size(), -1); }) < 0) {
            log_.line(Level::Error, "cannot wait for connections: " + sys::error_text(errno));
            return handoff::kExitSystem;
        }
        if (entries[1].revents != 0) take_progress();
        if (entries[2].revents != 0) reap();
        if (entries[0].revents != 0) open = take_connection();
    }
    return 0;
}

bool Zygote::take_connection() {
    std::array<std::byte, sizeof(handoff::Connection) + 1> buffer;
    auto received = sys::receive_message(channel_.get(), buffer);
    if (!received) return received.error().code == EAGAIN;
    if (received->size == 0) return false;
    const auto message = message_in<handoff::Connection>(std::span(buffer).first(received->size));
    if (message && !received->truncated && received->fd &&
        message->header.version == handoff::kVersion &&
        message->header.kind == handoff::Kind::Connection) {
        start_dispatcher(std::move(received->fd), *message);
        return true;
    }
    log_.limited(Level::Error, "bad messages from the listener",
                 "a message from the listener was not understood; its connection is closed");
    if (message) tell(handoff::Reaped{.id = message->id});
    return true;
}

void Zygote::start_dispatcher(UniqueFd client, const handoff::Connection& message) {
    const pid_t pid = ::fork();
    if (pid == 0) be_dispatcher(std::move(client), message);
    if (pid < 0) {
        log_.limited(Level::Error, "connections closed because no process could be had",
                     "cannot fork for client " + message.peer.text() +
                         ", which is closed: " + sys::error_text(errno));
        tell(handoff::Reaped{.id = message.id});
        return;
    }
    const Clock::time_point accepted{std::chrono::nanoseconds(message.accepted_nanoseconds)};
    connections_.add(pid, {message.id, accepted, {message.peer, message.local}, {}});
}

void Zygote::be_dispatcher(UniqueFd client, const handoff::Connection& message) {
    // A session of its own: no signal to a group, and no terminal, reaches or leaves it.
    ::setsid();
    channel_.reset();
    signals_.reset();
    progress_in_.reset();
    sys::unblock_signals();

    const Setting setting{plan_, clean_environment(), log_.descriptor()};
    ChannelReporter reporter(progress_out_.get());
    const Clock::time_point accepted{std::chrono::nanoseconds(message.accepted_nanoseconds)};
    ::_exit(serve({std::move(client), message.peer, message.local, accepted}, setting, reporter));
}

void Zygote::take_progress() {
    std::array<std::byte, sizeof(Progress) + 1> buffer;
    for (int i = 0; i < kProgressBatch; ++i) {
        const auto received = sys::receive_message(progress_in_.get(), buffer);
        if (!received) return;
        if (received->size == 0) return renew_progress();
        const auto progress = message_in<Progress>(std::span(buffer).first(received->size));
        Connection* connection = connections_.find(received->sender);
        // A dispatcher that was taken over can send anything; it can only spoil its own line.
        if (!progress || connection == nullptr || !is_valid(plan_, *progress)) continue;
        connection->progress = *progress;
        if (progress->failure.stage == Stage::None) continue;
        log_.limited(Level::Error, "failed connections",
                     failure_line(plan_, connection->parties, *progress), received->sender);
    }
}

/// Only a dispatcher that was taken over can have shut the channel. Its siblings of the same
/// channel lose their words; those to come get a new one.
void Zygote::renew_progress() {
    auto fresh = sys::channel_pair();
    if (!fresh || !sys::stamp_senders(fresh->first)) return;
    progress_in_ = std::move(fresh->first);
    progress_out_ = std::move(fresh->second);
    log_.limited(
        Level::Error, "shut channels",
        "a dispatcher shut the channel it shares with others, which it has no reason to do: "
        "it may have been taken over");
}

void Zygote::reap() {
    while (sys::next_signal(signals_)) continue;
    // What a process told must be read before its pid is free for another one.
    while (const auto pid = sys::peek_ended()) {
        take_progress();
        finish(*pid, sys::wait_for(*pid));
    }
}

void Zygote::finish(pid_t pid, int status) {
    const Connection* connection = connections_.find(pid);
    if (connection == nullptr) return;
    const auto duration =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - connection->accepted);
    log_.line(Level::Info,
              connection_line(plan_, connection->parties, connection->progress, status, duration),
              pid);
    tell(handoff::Reaped{.id = connection->id});
    connections_.remove(pid);
}

/// The listener may be gone; the connections are served all the same.
template <typename Message>
void Zygote::tell(const Message& message) {
    const auto bytes = std::as_bytes(std::span(&message, 1));
    // A listener that is stopped must not lose count: only one that is gone is not waited for.
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
        return handoff::kExitSystem;
    };
    if (!signals) return failed(signals.error());
    if (!progress) return failed(progress.error());
    if (auto stamped = sys::stamp_senders(progress->first); !stamped) {
        return failed(stamped.error());
    }
    Zygote zygote(plan, log, UniqueFd(handoff::kChannelFd), std::move(*signals),
                  std::move(progress->first), std::move(progress->second));
    return zygote.run();
}

}  // namespace portsplit::dispatch
