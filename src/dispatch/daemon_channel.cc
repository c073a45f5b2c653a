#include "dispatch/daemon_channel.h"

#include <utility>

namespace portsplit::dispatch {

std::optional<Order> DaemonChannel::next_order() {
    Order order;
    auto received =
        sys::receive_message(orders_.get(), std::as_writable_bytes(std::span(&order.message, 1)));
    if (sys::is_closed(received)) {
        orders_.reset();
        return std::nullopt;
    }
    if (!received) return Order{};
    order.log = std::move(received->fd);
    return order;
}

}  // namespace portsplit::dispatch
