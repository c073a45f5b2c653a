#pragma once
// The way by which a client came in. Before the client's first byte it settles which services are asked.

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "core/source.h"

namespace portsplit::core {

struct Entrance {
    std::size_t listener = 0;  ///< index in `listeners_of`
    Source source{};           ///< where the client comes from
    /// Who sent a PROXY header that names the client; none if the client is the peer of the connection.
    std::optional<Source> balancer{};

    const Source& peer() const { return balancer ? *balancer : source; }
};

/// Returns the listeners of a configuration. The first is `main`: its section, or else what is written above
/// the services. The others are in the order of the file.
std::vector<const Listener*> listeners_of(const Config& config);

/// Returns the index in `listeners_of` of a listener; none if there is none of that name.
std::optional<std::size_t> find_listener(const Config& config, std::string_view name);

/// Returns true if a listener has clients that a PROXY header names.
bool takes_headers(const Config& config);

// Return true if a service is a last resort of a listener: the one that the listener names, or else the one
// that is called so.
bool is_fallback_of(const Listener& listener, const Service& service);
bool is_timeout_of(const Listener& listener, const Service& service);

/// Returns true if a service has the client's address at its target.
bool is_transparent(const Service& service);

/// Returns true if a service may be asked for the clients of a listener.
bool is_asked_by(const Listener& listener, const Service& service);

}  // namespace portsplit::core
