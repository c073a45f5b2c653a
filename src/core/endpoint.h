#pragma once
// A host and a port as an administrator writes them, or a Unix-domain socket. Not a socket address: a name is
// resolved only when a connection needs it (dispatch/resolve.h).

#include <cstdint>
#include <string>
#include <string_view>

#include "core/memory.h"

namespace portsplit::core {

struct Endpoint {
    /// A numeric address, a name, or `*` for all local addresses of both families. IPv6 addresses
    /// have no brackets here. Of a Unix-domain socket: kUnix, and then what `unix_socket` reads.
    Text host;
    /// A TCP port. 0 is allowed in `bind` only: the system chooses one.
    std::uint16_t port = 0;

    static constexpr std::string_view kUnix = "unix:";
    bool is_unix() const { return std::string_view(host).starts_with(kUnix); }
    bool operator==(const Endpoint&) const = default;
};

/// Returns `HOST:PORT`, with brackets around an IPv6 address; of a Unix-domain socket `unix:PATH` and what is
/// written behind it.
std::string to_string(const Endpoint& endpoint);

/// A Unix-domain socket as an administrator writes it: `PATH,mode=0660,user=NAME,group=NAME`.
struct UnixSocket {
    std::string_view path;   ///< absolute, or `@NAME` for an abstract one (unix(7))
    std::string_view mode;   ///< octal; empty if it is not given, as the others
    std::string_view user;   ///< a name or a number
    std::string_view group;  ///< a name or a number
    std::string_view rest;   ///< from the first option that is none of these, or is given twice

    bool is_abstract() const { return path.starts_with('@'); }
};

/// @param endpoint  that is a Unix-domain socket; the result refers to its text
UnixSocket unix_socket(const Endpoint& endpoint);
UnixSocket read_unix_socket(std::string_view text);

/// Returns true for `localhost` and every name below it, in any case, with or without a final dot. They
/// mean loopback, and the DNS is not asked for them (RFC 6761 6.3).
bool is_localhost(std::string_view host);

}  // namespace portsplit::core
