#pragma once
// The listening sockets of the daemon, and how a new configuration changes them: a socket that is
// still configured is never closed, so no client is refused. Accepts nothing: Intake does. Reload
// opens and changes them, the Daemon adopts and closes them.

#include <string>
#include <vector>

#include "core/endpoint.h"
#include "sys/address.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::daemon {

struct Listener {
    core::Endpoint configured;  ///< numeric; the port may be 0
    sys::Address bound;         ///< with the port that the system chose
    sys::UniqueFd fd;           ///< non-blocking
    std::string text;           ///< the bound address, or the path of a Unix-domain socket
    bool passed = false;        ///< true if the service manager passed it: no reload closes it
    std::string name;  ///< FileDescriptorName= of a passed one, if the unit has it; else empty
};

/// Returns what to do about an address that cannot be bound; empty if nothing is known.
/// @param code  errno of bind(2) or listen(2)
std::string advice_on_listening(int code, std::uint16_t port);

class Listeners {
  public:
    /// Takes over a socket that listens already, and makes it non-blocking. It serves the `bind` of
    /// its address, if there is one; a wildcard socket for both families serves that of either.
    /// @param name  the service manager's name for it; may be empty
    /// @returns the message about a socket that is not a listening stream socket, which is closed
    core::Result<core::Done, std::string> adopt(sys::UniqueFd fd, const std::string& name);

    /// Returns true if a listener serves one of these binds.
    static bool is_wanted(const Listener& listener, const core::List<core::Endpoint>& binds);

    /// Returns a sentence about a passed listener: which of these binds it serves, or that it serves none.
    static std::string describe_passed(const Listener& listener,
                                       const core::List<core::Endpoint>& binds);

    struct Opened {
        std::vector<Listener> listeners;        ///< in order
        std::vector<core::Endpoint> skipped{};  ///< the IPv6 half of a `*`: the kernel has no IPv6
    };
    /// Opens the sockets that a new configuration needs and this set lacks. Changes nothing.
    /// @param binds  as configured; "*" stands for both families with one port
    /// @returns the new sockets; or the error of the first that could not be bound
    sys::Result<Opened> open_missing(const core::List<core::Endpoint>& binds) const;

    /// Changes to a new configuration: keeps the sockets that are still configured or were passed,
    /// and takes over the new ones.
    /// @param missing  the listeners of `open_missing` for the same binds
    /// @returns the sockets that are no longer configured, still open
    std::vector<Listener> change_to(const core::List<core::Endpoint>& binds,
                                    std::vector<Listener> missing);

    /// Returns true if the service manager passed at least one socket.
    bool has_passed() const;

    const std::vector<Listener>& all() const { return listeners_; }
    /// Closes all, passed ones included.
    void close() { listeners_.clear(); }

    /// Returns the addresses of a new configuration, separated by blanks, as `bind` takes them.
    /// @param missing  the listeners of `open_missing` for the same binds
    std::string text_for(const core::List<core::Endpoint>& binds,
                         const std::vector<Listener>& missing) const;

    /// Returns the addresses, separated by blanks, in the order of the configuration.
    std::string text() const;

  private:
    sys::SysError with_advice(sys::SysError error, const core::Endpoint& wanted) const;

    std::vector<Listener> listeners_;
};

}  // namespace portsplit::daemon
