#pragma once
// The environment a program starts with.

#include <string>
#include <vector>

#include "core/verdict.h"
#include "dispatch/client.h"

namespace portsplit::dispatch {

/// The base environment of a standalone daemon: a PATH and nothing else.
std::vector<std::string> clean_environment();

/// `base` with the conventions of super-servers added, each replacing what `base` says of it:
/// UCSPI's `PROTO TCPREMOTEIP TCPREMOTEPORT TCPLOCALIP TCPLOCALPORT`, the `REMOTE_ADDR REMOTE_PORT`
/// of systemd and CGI, the `REMOTE_HOST` of xinetd (always the address), and `PORTSPLIT_SERVICE
/// PORTSPLIT_REASON`. The addresses are left out for a Unix-domain peer.
std::vector<std::string> program_environment(std::vector<std::string> base, const Client& client,
                                             const std::string& service, core::Reason reason);

}  // namespace portsplit::dispatch
