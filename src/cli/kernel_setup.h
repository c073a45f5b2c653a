#pragma once
// What the kernel of this machine has to turn the answers of transparent targets around: the rules, routes and
// sets that contrib/transparent/transparent.sh makes, read from what ip(8) and nft(8) print as JSON. Runs
// nothing: system_check.h does.

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ip_address.h"

namespace portsplit::cli {

// As in transparent.sh: the routing table, and the table of nftables.
inline constexpr const char* kTurningTable = "5053";
inline constexpr const char* kMarkingTable = "portsplit_transparent";

/// A rule of policy routing that leads to `kTurningTable` (ip-rule(8)).
struct TurningRule {
    core::IpAddress from;
    std::uint16_t source_port = 0;  ///< 0: every port
    bool asks_for_mark = false;

    bool operator==(const TurningRule&) const = default;
};

struct KernelSetup {
    std::vector<TurningRule> rules;
    bool has_route_v4 = false;  ///< `kTurningTable` delivers every address to this machine
    bool has_route_v6 = false;
    /// Targets whose answers nftables marks.
    std::set<std::pair<core::IpAddress, std::uint16_t>> marked;
    /// An interface drops IPv4 packets that come in by another way than answers to them go out (rp_filter 1).
    bool is_strict = false;
};

/// Returns the rules in the output of `ip -j rule show`; empty for a text that is no JSON.
std::vector<TurningRule> read_rules(std::string_view json);

/// Returns true if the output of `ip -j route show table 5053` has the route to this machine.
bool has_turning_route(std::string_view json);

/// Returns the targets in the output of `nft -j list table inet portsplit_transparent`.
std::set<std::pair<core::IpAddress, std::uint16_t>> read_marked(std::string_view json);

/// Returns what the answers of a target need and the machine lacks, a sentence without a full stop each.
std::vector<std::string> missing_for(const KernelSetup& setup, const core::IpAddress& target,
                                     std::uint16_t port);

}  // namespace portsplit::cli
