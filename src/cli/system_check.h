#pragma once
// `portsplit check --system`: whether targets with `transparent = yes` answer to the address of a client.
//
// How it works: a socket with the address of a client that does not exist, from the blocks for documentation
// (RFC 5737, RFC 3849), connects to each target as the relay does (ip(7) IP_TRANSPARENT). If the target accepts
// or refuses, its answer has come back. If nothing comes back, what ip(8) and nft(8) print shows what the
// machine lacks (kernel_setup.h).

#include <cstdint>
#include <string>
#include <vector>

#include "cli/kernel_setup.h"
#include "core/ip_address.h"
#include "core/model.h"

namespace portsplit::cli {

/// A target of a transparent service, as it is written.
struct TransparentEndpoint {
    std::string service;
    core::Endpoint endpoint;

    bool operator==(const TransparentEndpoint&) const = default;
};

/// Returns the targets of all transparent services.
std::vector<TransparentEndpoint> transparent_endpoints(const core::Config& config);

/// One address of such a target.
struct TransparentTarget {
    std::string service;
    core::IpAddress address;
    std::uint16_t port = 0;
    bool is_own = false;  ///< an address of this machine
};

/// Returns what is printed about a target, without the name of the file; empty if it has accepted.
/// @param error  0, or the errno of the connection attempt
/// @param setup  of this machine, for a target that has not answered
std::vector<std::string> findings(const TransparentTarget& target, int error,
                                  const KernelSetup& setup);

}  // namespace portsplit::cli
