#pragma once
// The listening sockets of the daemon, and how a new configuration changes them: those that stay
// are never closed.

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
    sys::UniqueFd fd;
    std::string text;     ///< the bound address, or the path of a Unix-domain socket
    bool passed = false;  ///< by the service manager: stays whatever the configuration says
    std::string name;     ///< the service manager's, of a passed one
};

class Listeners {
  public:
    /// Takes in a socket that listens already. It serves the `bind` of its address, where there is
    /// one; a wildcard socket for both families serves that of either.
    /// @param name  what the service manager calls it
    /// @returns false, and closes it, when it is no listening stream socket
    bool adopt(sys::UniqueFd fd, const std::string& name);

    /// Whether a listener serves one of these binds.
    static bool is_wanted(const Listener& listener, const std::vector<core::Endpoint>& binds);

    /// Opens what a new configuration wants and this set lacks. Nothing changes yet.
    /// @param binds  as configured; "*" stands for both families with one port
    /// @returns the new sockets, in order; the error of the first that could not be had
    sys::Result<std::vector<Listener>> open_missing(const std::vector<core::Endpoint>& binds) const;

    /// Changes to the new configuration: keeps what is still wanted and takes the new sockets in.
    /// @returns the sockets no longer wanted, still open
    std::vector<Listener> change_to(const std::vector<core::Endpoint>& binds,
                                    std::vector<Listener> missing);

    const std::vector<Listener>& all() const { return listeners_; }
    void close() { listeners_.clear(); }

    /// The addresses as text, separated by blanks, in the order of the configuration.
    std::string text() const;

  private:
    std::vector<Listener> listeners_;
};

}  // namespace portsplit::daemon
