#include "dispatch/transparent.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "sys/capability.h"
#include "sys/socket.h"

namespace portsplit::dispatch {

TransparentSockets TransparentSockets::make(const sys::Address& peer, bool is_balancer,
                                            bool has_programs) {
    TransparentSockets sockets;
    const auto make = [&](int family, sys::UniqueFd& fd) {
        auto made = sys::transparent_socket(family);
        if (made) {
            fd = std::move(*made);
        } else {
            sockets.code_ = made.error().code;
        }
    };
    const bool is_v4 = peer.is_internet() && peer.ip().is_v4();
    if (is_balancer || is_v4) make(AF_INET, sockets.v4_);
    if (is_balancer || (peer.is_internet() && !is_v4)) make(AF_INET6, sockets.v6_);
    sys::drop_net_raw(has_programs);
    return sockets;
}

sys::Result<BoundSocket> TransparentSockets::take_for(const sys::Address& client) {
    if (!client.is_internet()) {
        return sys::SysError{EAFNOSUPPORT, "the client has no address of the internet"};
    }
    sys::UniqueFd fd = std::move(client.ip().is_v4() ? v4_ : v6_);
    if (!fd) return sys::SysError{code_, "no transparent socket"};
    // An IPv6 socket that took both families has an IPv4-mapped address of the client.
    const sys::Address whole = sys::Address::from(client.ip(), client.port());
    if (sys::bind_to(fd.get(), whole)) return BoundSocket{std::move(fd), client.ip()};
    const sys::Address any_port = sys::Address::from(client.ip(), 0);
    if (auto bound = sys::bind_to(fd.get(), any_port); !bound) return bound.error();
    return BoundSocket{std::move(fd), client.ip()};
}

}  // namespace portsplit::dispatch
