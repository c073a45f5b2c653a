#pragma once
// Relays that have the client's own address at the target (ip(7) IP_TRANSPARENT). The socket for that is made
// before the first byte of the client is looked at, because it needs a capability, which the dispatcher then gives
// up.

#include "core/ip_address.h"
#include "sys/address.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// A socket that is bound to the address of a client.
struct BoundSocket {
    sys::UniqueFd fd;
    core::IpAddress client;
};

/// Sockets for a connection to a target, one for each family. They are not bound.
class TransparentSockets {
  public:
    /// None.
    TransparentSockets() = default;
    /// Makes those that a client may need, and gives up the capability.
    /// @param peer  the client; of one whose PROXY header is not read yet, who sends that
    /// @param is_balancer  whether a header follows: then the client may be of either family
    /// @param has_programs  as of sys::drop_net_raw
    static TransparentSockets make(const sys::Address& peer, bool is_balancer, bool has_programs);

    /// Takes the socket for a client, bound to its address, and its port if that is free.
    /// @returns an error: EPERM if the capability was missing, EAFNOSUPPORT if the client is not on the internet
    sys::Result<BoundSocket> take_for(const sys::Address& client);

  private:
    sys::UniqueFd v4_;
    sys::UniqueFd v6_;
    int code_ = 0;  ///< errno of the one that could not be made
};

}  // namespace portsplit::dispatch
