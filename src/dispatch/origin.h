#pragma once
// Where a connection comes from, as the log, its target and its program are told: what the socket says, or the
// PROXY header in front of the client's bytes.

#include <optional>

#include "core/proxy_header.h"
#include "sys/address.h"
#include "sys/arrival.h"

namespace portsplit::dispatch {

struct Origin {
    sys::Ends ends;
    /// What a header said of them; Internet or Unix if there was none.
    core::ProxyEnds::Kind kind = core::ProxyEnds::Kind::Internet;
    std::optional<sys::Credentials> credentials{};  ///< of a client over a Unix-domain socket
    bool is_named = false;  ///< a header named the ends: then a super-server spoke of the balancer

    /// Returns false if a header named no ends.
    bool is_told() const {
        return kind == core::ProxyEnds::Kind::Internet || kind == core::ProxyEnds::Kind::Unix;
    }
};

/// Returns the origin of a connection without a header.
Origin origin_of(const sys::Arrival& arrival);
/// Returns the origin of a connection behind a header.
/// @param arrival  of the connection itself, whose ends count if the header names none
Origin origin_of(const core::ProxyEnds& said, const sys::Arrival& arrival);

/// Returns what a header says of a connection: of one that came with a header, the same. A client on pipes, of
/// which no super-server said anything, is unknown.
core::ProxyEnds proxy_ends(const Origin& origin);

}  // namespace portsplit::dispatch
