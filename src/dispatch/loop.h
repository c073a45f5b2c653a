#pragma once
// Loops: a target that is a listener of this server. Its connection would come back here, be given
// to the same service, and so on. config/overlap.h finds those that a file shows; here are those
// that only a connection shows: by name, by another address of this machine, by a socket that was
// passed.

#include <string_view>

#include "core/endpoint.h"
#include "core/memory.h"
#include "core/model.h"
#include "sys/address.h"

namespace portsplit::dispatch {

/// The listeners of a server, as the dispatcher of one connection knows them.
struct OwnListeners {
    const core::List<core::Endpoint>& binds;  ///< `ADDRESS:PORT`, or `*:PORT` for both families
    sys::Address local;                       ///< the address that the client came to
};

/// Returns the binds of all listeners.
core::List<core::Endpoint> binds_of(const core::Config& config);

/// Reads addresses as `bind` takes them, separated by blanks. Leaves out what is none.
core::List<core::Endpoint> listeners_in(std::string_view text);

/// Returns true if a connection to an address comes back to one of these listeners.
bool leads_back(const sys::Address& target, const OwnListeners& own);

}  // namespace portsplit::dispatch
