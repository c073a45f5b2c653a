#pragma once
// How a client came. The daemon notes it at accept(2); it goes with the client's socket to the
// dispatcher, and into the record of the connection.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "sys/address.h"
#include "sys/clock.h"

namespace portsplit::sys {

/// Who a client over a Unix-domain socket was when it connected (unix(7) SO_PEERCRED).
struct Credentials {
    static constexpr uid_t kUnknown = static_cast<uid_t>(-1);

    uid_t user = kUnknown;
    gid_t group = 0;
    pid_t process = 0;  ///< 0 if this process cannot see it (pid_namespaces(7))

    bool are_known() const { return user != kUnknown; }
};

/// Returns ` uid=N gid=N pid=N`, for a log line; nothing if they are not known.
std::string text_of(const Credentials& credentials);

/// Returns the credentials of the peer of a Unix-domain socket; of another socket they are not known.
Credentials credentials_of(int fd);

/// Trivially copyable, so that a message to another process can contain it.
struct Arrival {
    Clock::time_point accepted{};  ///< when accept(2) returned; the deadline counts from here
    Ends ends{};
    std::uint32_t listener = 0;  ///< that accepted it: index in core::listeners_of
    Credentials credentials{};   ///< of a client over a Unix-domain socket
    /// The deadline is no later than this after accept; 0: it is that of the listener.
    std::chrono::milliseconds hurry{0};
};

}  // namespace portsplit::sys
