#pragma once
// The channel to the daemon, as the zygote and its spares have it, and the one of the daemon's orders; handoff.h says
// what goes there.

#include <poll.h>

#include <cerrno>
#include <optional>
#include <span>

#include "handoff.h"
#include "sys/channel.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// An order of the daemon: a message, of which only the kind is set for most, and what came with it.
struct Order {
    union {
        handoff::Kind kind;
        handoff::Answer answer;
        handoff::End end;
    } message{};
    sys::UniqueFd log;  ///< that came with `NewLog`
};

class DaemonChannel {
  public:
    /// Sends a message to the daemon. Waits for room in the channel however long the daemon is stopped, and for
    /// memory, because a lost `Reaped` would occupy a slot for ever. Returns once the daemon is gone (EPIPE): the
    /// connections are served all the same.
    template <typename Message>
    void send(const Message& message) const {
        const auto bytes = std::as_bytes(std::span(&message, 1));
        while (true) {
            const auto sent = sys::send_message(channel_.get(), bytes, -1, 0);
            if (sent) return;
            const int code = sent.error().code;
            if (code == ENOMEM || code == ENOBUFS) {
                (void)::poll(nullptr, 0, kShortagePause);
            } else if (code != EAGAIN) {
                return;
            }
        }
    }

    /// Readable when an order waits, or the daemon is gone; negative once `next_order` has returned nothing.
    int orders() const { return orders_.get(); }
    /// Receives the order that waits; one without a kind if that failed, as for lack of memory.
    /// @returns nothing if the daemon is gone
    std::optional<Order> next_order();

    // For forks.

    /// Where a spare waits for its connection.
    int fd() const { return channel_.get(); }
    /// Closes the channel in a dispatcher.
    void close() { channel_.reset(); }

  private:
    /// Before a message that the kernel had no memory for is sent again, in milliseconds.
    static constexpr int kShortagePause = 10;

    sys::UniqueFd channel_{handoff::kChannelFd};
    sys::UniqueFd orders_{handoff::kOrdersFd};
};

}  // namespace portsplit::dispatch
