#pragma once
// The listening sockets of the daemon, and how a new configuration changes them: a socket that is
// still configured is never closed, so no client is refused. Accepts nothing: Intake does. Reload
// opens and changes them, the Daemon adopts and closes them.

#include <cstddef>
#include <string>
#include <vector>

#include "core/endpoint.h"
#include "core/model.h"
#include "sys/address.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/socket.h"
#include "sys/socket_file.h"

namespace portsplit::daemon {

class StateReader;
class StateWriter;

struct ListeningSocket {
    /// Numeric, the owners of a Unix-domain socket too; the port may be 0.
    core::Endpoint configured;
    sys::Address bound;     ///< with the port that the system chose
    sys::UniqueFd fd;       ///< non-blocking
    std::string text;       ///< the bound address, or the path of a Unix-domain socket
    bool passed = false;    ///< true if the service manager passed it: no reload closes it
    std::string name = {};  ///< FileDescriptorName= of a passed one, if the unit has it; else empty
    /// The listener whose settings its connections have: index in core::listeners_of.
    std::size_t listener = 0;
    /// Of a Unix-domain socket that was made here.
    std::optional<sys::SocketFile> file = std::nullopt;
    sys::ListenOptions options = {};  ///< that it was opened with
};

/// Returns what to do about an address that cannot be bound; empty if nothing is known.
/// @param code  errno of bind(2) or listen(2)
std::string advice_on_listening(int code, std::uint16_t port);

class ListeningSockets {
  public:
    /// Takes over a socket that listens already, and makes it non-blocking. It serves the listener of its
    /// name; else the `bind` of its address, if there is one; a wildcard socket for both families serves
    /// that of either.
    /// @param name  the service manager's name for it; may be empty
    /// @returns the message about a socket that is not a listening stream socket, which is closed
    core::Result<core::Done, std::string> adopt(sys::UniqueFd fd, const std::string& name);

    /// Returns a sentence about a passed socket: which listener or binds it serves, or that it serves none.
    static std::string describe_passed(const ListeningSocket& socket, const core::Config& config);

    /// Returns the name of a listener that has no `bind` and no passed socket of its name; empty if each has one.
    std::string find_unbound(const core::Config& config) const;

    struct Opened {
        std::vector<ListeningSocket> sockets;   ///< in order
        std::vector<core::Endpoint> skipped{};  ///< the IPv6 half of a `*`: the kernel has no IPv6
        std::vector<core::Endpoint> without_multipath{};  ///< the kernel has no Multipath TCP
    };
    /// What happens to a Unix-domain socket whose file is gone, or has another file in its place: no client
    /// can reach it any more.
    enum class LostFile { OpenAnew, Keep };
    /// Opens the sockets that a new configuration needs and this set lacks. Changes nothing. A `*` stands for
    /// both families with one port.
    /// @returns the new sockets; or the error of the first that could not be bound
    sys::Result<Opened> open_missing(const core::Config& config,
                                     LostFile lost = LostFile::Keep) const;

    /// Changes to a new configuration: keeps the sockets that are still configured or were passed,
    /// and takes over the new ones.
    /// @param missing  the sockets of `open_missing` for the same configuration
    /// @returns the sockets that are no longer configured, still open, without their files
    std::vector<ListeningSocket> change_to(const core::Config& config,
                                           std::vector<ListeningSocket> missing);

    /// Returns the binds whose sockets stay, and stay without what is new in their listener: an interface,
    /// `freebind` or `mptcp` is set when a socket is opened.
    std::vector<core::Endpoint> find_unchanged_options(const core::Config& config) const;

    /// Gives the files of Unix-domain sockets that stay the mode and the owner of their `bind`.
    /// @returns the errors
    std::vector<sys::SysError> change_files(const core::Config& config);

    /// Returns true if the service manager passed at least one socket.
    bool has_passed() const;

    const std::vector<ListeningSocket>& all() const { return sockets_; }
    /// Empties the set for the end of the daemon. The sockets that the service manager passed are closed: it
    /// has them too, so their clients wait.
    /// @returns the others, still open, without their files
    std::vector<ListeningSocket> close();

    /// Returns the addresses of a new configuration, separated by blanks, as `bind` takes them.
    /// @param missing  the sockets of `open_missing` for the same configuration
    std::string text_for(const core::Config& config,
                         const std::vector<ListeningSocket>& missing) const;

    /// Returns the addresses, separated by blanks, in the order of the configuration.
    std::string text() const;

    // For an upgrade (state.h).
    void append_to(StateWriter& state) const;
    void take_from(StateReader& state);

  private:
    sys::SysError with_advice(sys::SysError error, const core::Endpoint& wanted) const;

    std::vector<ListeningSocket> sockets_;
};

}  // namespace portsplit::daemon
