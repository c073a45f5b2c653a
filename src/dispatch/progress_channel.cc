#include "dispatch/progress_channel.h"

#include <chrono>
#include <span>

#include "sys/channel.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

/// How often the zygote counts its spares while some of them cannot send it a message.
constexpr std::chrono::milliseconds kMuteSparesPause{500};

/// Returns the reading and the writing end of a new channel.
sys::Result<std::pair<sys::UniqueFd, sys::UniqueFd>> new_channel(ProgressChannel::Takes takes) {
    auto ends = sys::channel_pair();
    if (!ends) return ends.error();
    if (auto stamped = sys::stamp_senders(ends->first.get()); !stamped) return stamped.error();
    if (takes == ProgressChannel::Takes::Bytes) sys::refuse_descriptors(ends->first.get());
    return ends;
}

}  // namespace

sys::Result<ProgressChannel> ProgressChannel::create(sys::Log& log, Takes takes) {
    auto ends = new_channel(takes);
    if (!ends) return ends.error();
    return ProgressChannel(log, takes, std::move(ends->first), std::move(ends->second));
}

std::optional<ProgressChannel::Published> ProgressChannel::next(Buffer& buffer) {
    auto received = sys::receive_message(reading_end_.get(), buffer);
    if (!received) return std::nullopt;
    // A compromised dispatcher may send a socket whose close(2) would wait. The option belongs to
    // the socket, so a program that has set it already loses it.
    if (received->fd) sys::do_not_linger(received->fd.get());
    if (received->size == 0) {
        renew();
        return std::nullopt;
    }
    return Published{received->sender, message_in(std::span(buffer).first(received->size)),
                     std::move(received->fd)};
}

/// All dispatchers hold the other end, so EOF comes only from shutdown(2), and only a compromised dispatcher
/// calls that. Processes forked so far keep the old channel, so their messages are lost. Later forks use the
/// new one. If none can be made, the zygote retries after each wait.
void ProgressChannel::renew() {
    reading_end_.reset();  // EOF keeps it readable: poll(2) would return at once
    was_shut_ = true;
    auto fresh = new_channel(takes_);
    if (!fresh) return;
    reading_end_ = std::move(fresh->first);
    writing_end_ = std::move(fresh->second);
    log_.limited(sys::Level::Error, "shut channels",
                 "a dispatcher shut the channel that it shares with others, which no intact "
                 "dispatcher does: it may be compromised");
}

sys::Clock::time_point ProgressChannel::due() const {
    return was_shut_ ? sys::Clock::now() + kMuteSparesPause : sys::Clock::time_point::max();
}

}  // namespace portsplit::dispatch
