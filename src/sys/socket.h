#pragma once
// TCP sockets: creating them, and the options that this project sets. No policy: daemon/ decides
// where to listen, dispatch/ decides what to connect to.

#include <chrono>
#include <cstddef>
#include <string>

#include "core/bytes.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// What is set before a socket is bound.
struct ListenOptions {
    std::string interface {
    };                       ///< whose connections it takes (socket(7) SO_BINDTODEVICE); empty: all
    bool free = false;       ///< the address need not exist (ip(7) IP_FREEBIND)
    bool multipath = false;  ///< Multipath TCP, if the kernel has it

    bool operator==(const ListenOptions&) const = default;
};

/// Creates a listening socket, non-blocking and close-on-exec.
/// SO_REUSEADDR: a restart can bind at once. IPV6_V6ONLY: both families can have one port number.
/// The backlog is the maximum of the system (net.core.somaxconn): with a backlog of 1 and SYN cookies,
/// Linux 6.18 lost the first one to three bytes of connections; with 128 none was lost.
Result<UniqueFd> listen_on(const Address& address, const ListenOptions& options = {});

/// Returns true for a socket of Multipath TCP.
bool is_multipath(int fd);

/// Starts a connection on a non-blocking, close-on-exec socket. It is connected, or not yet:
/// `connect_outcome` returns which. Fails for an address that cannot be tried.
Result<UniqueFd> start_connect(const Address& address);

/// Returns the state of a started connection, by another connect(2): 0 if it is connected, EALREADY
/// if poll(2) must wait until the socket is writable, EAGAIN if the backlog of a Unix-domain socket is full, else
/// the errno that it failed with.
int connect_outcome(int fd, const Address& address);

/// Creates a socket that may be bound to an address of another machine (ip(7) IP_TRANSPARENT). Needs
/// CAP_NET_RAW or CAP_NET_ADMIN. Non-blocking and close-on-exec.
Result<UniqueFd> transparent_socket(int family);
Result<Done> bind_to(int fd, const Address& address);
/// Makes a socket whose connect(2) failed ready for another one; it stays bound.
void disconnect(int fd);

/// Returns true if an address is one of this machine, so that a connection to it stays here. The kernel
/// is asked for the source address of such a connection; nothing is sent.
bool is_own(const core::IpAddress& address);

// These report no failure: on an open TCP socket they cannot fail, and on another descriptor the
// failure has no consequence.

/// Sets or clears O_NONBLOCK, and no other flag.
void set_blocking(int fd, bool blocking);
/// Sends small segments at once, or joins them (tcp(7) TCP_NODELAY).
void set_no_delay(int fd, bool at_once = true);
/// Sets how many bytes must be in the receive buffer before poll(2) reports POLLIN (socket(7)
/// SO_RCVLOWAT).
void set_receive_low_water(int fd, int bytes);
/// Sends keepalive probes after this silence, and resets the connection after as long again without an
/// answer to four of them (tcp(7) TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT).
/// @param silence  0 for no probes
void set_keepalive(int fd, std::chrono::seconds silence);
/// Sets how long sent data may wait for an acknowledgement, and data for room at the peer, before the connection
/// is reset (tcp(7) TCP_USER_TIMEOUT).
/// @param limit  0 for the kernel's default
void set_user_timeout(int fd, std::chrono::seconds limit);
/// Makes close(2) of a socket return at once and send what is left in the background, as a new socket
/// does (socket(7) SO_LINGER).
void do_not_linger(int fd);
/// Makes close(2) send a reset instead of an end of stream (socket(7) SO_LINGER).
void reset_on_close(int fd);

/// Returns how many bytes wait to be read (tcp(7) SIOCINQ); 0 if it is not known.
std::size_t unread_bytes(int fd);

/// Returns true if the descriptor is a pipe or FIFO (pipe(7)).
bool is_pipe(int fd);
/// Returns true if the descriptor is a stream socket.
bool is_stream(int fd);
/// Returns true if both descriptors are the same stream socket, or ends of the same pipe.
bool is_same_stream(int fd, int other);
/// Returns true if the descriptor is a stream socket that listens.
bool is_listening(int fd);

/// Returns true if an IPv6 socket accepts IPv4 connections too (ipv6(7) IPV6_V6ONLY).
bool takes_both_families(int fd);

}  // namespace portsplit::sys
