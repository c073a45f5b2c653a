#pragma once
// TCP sockets: making them and the few options that are set on them. No policy: who listens where,
// and what is relayed, is decided elsewhere.

#include <cstddef>

#include "core/bytes.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// Binds and listens, non-blocking and close-on-exec. SO_REUSEADDR, so that a restart binds at
/// once; IPV6_V6ONLY, so that both families can have one port number; the backlog is the system's
/// maximum (net.core.somaxconn): with a tiny one and SYN cookies the first bytes of a connection
/// can be lost.
Result<UniqueFd> listen_on(const Address& address);

/// Starts a non-blocking connection; `connect_outcome` tells how it goes.
Result<UniqueFd> start_connect(const Address& address);

/// How a started connection stands: 0 once it is connected, EALREADY while poll(2) has to wait
/// until the socket is writable, else the error it ended with (connect(2), asked again).
int connect_outcome(int fd, const Address& address);

/// Failures of these would be bugs or harmless, so they are not reported.
void set_blocking(int fd, bool blocking);
void set_no_delay(int fd);
/// How many bytes must wait before poll(2) calls the socket readable (socket(7) SO_RCVLOWAT).
void set_receive_low_water(int fd, int bytes);
/// Probes a silent peer after two minutes and gives it up after four (tcp(7)).
void set_keepalive(int fd);
/// Makes the next close(2) send a reset instead of an end of stream (socket(7) SO_LINGER).
void reset_on_close(int fd);

/// Whether a descriptor is a stream socket.
bool is_stream(int fd);
/// Whether two descriptors are one stream socket.
bool is_same_stream(int fd, int other);
/// Whether a descriptor is a stream socket that listens.
bool is_listening(int fd);

/// Whether an IPv6 socket takes IPv4 connections too (ipv6(7) IPV6_V6ONLY).
bool takes_both_families(int fd);

}  // namespace portsplit::sys
