#pragma once
// What a super-server says of a connection in the environment: the addresses of its two ends. For --inetd.

#include "sys/address.h"

namespace portsplit::dispatch {

/// Returns the ends of a connection: those of the socket, or those that the environment names where it
/// knows more.
/// - The peer of the environment counts if the socket's own peer cannot be the client: it is loopback, a
///   Unix-domain socket or a pipe. Then a program of this machine is between, such as stunnel(8) or socat(1).
///   TCPREMOTEIP counts always: a super-server that decodes the PROXY protocol sets it.
/// - Pairs of variables, in this order: TCPREMOTEIP and TCPREMOTEPORT (tcp-environ(5)), REMOTE_ADDR or
///   REMOTE_HOST with REMOTE_PORT (systemd.exec(5), stunnel(8), xinetd(8)), SOCAT_PEERADDR and SOCAT_PEERPORT
///   (socat(1)), NCAT_REMOTE_ADDR and NCAT_REMOTE_PORT (ncat(1)). A host that is a name, or a port that
///   is no number, does not count. A port that is missing is 0.
/// - The local end likewise, of TCPLOCALIP, SOCAT_SOCKADDR and NCAT_LOCAL_ADDR with their ports.
sys::Ends told_ends(const sys::Ends& of_socket);

}  // namespace portsplit::dispatch
