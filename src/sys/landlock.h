#pragma once
// What a process and its forks may reach: files, TCP ports, other processes (landlock(7)).

#include <cstdint>
#include <string>
#include <vector>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// What may be reached; everything else of these kinds may not.
struct Reach {
    /// Files, and folders with all files below, that may be opened for reading. What is missing is left out.
    std::vector<std::string> readable{};
    std::vector<std::uint16_t> ports{};  ///< TCP ports that may be connected to
    bool binds = false;                  ///< a TCP socket may be bound, to any port
    bool abstract_sockets = false;  ///< Unix-domain sockets with an abstract name may be reached
};

/// The first versions of Landlock that have more than files.
inline constexpr int kLandlockWithTcp = 4;     ///< Linux 6.7
inline constexpr int kLandlockWithScopes = 6;  ///< Linux 6.12: signals and abstract sockets

/// Returns the version of Landlock that the kernel has; 0 if it has none, or it is off.
int landlock_version();

/// Makes a set of rules, which `restrict_to` puts into force: later, in a fork, any number of times.
/// @param version  the newest that is used: not above that of the kernel
Result<UniqueFd> reach_rules(const Reach& reach, int version);

/// Restricts this process and its forks, for ever. The process must have no_new_privs.
Result<Done> restrict_to(int rules);

/// Does both.
Result<Done> restrict_reach(const Reach& reach, int version);

}  // namespace portsplit::sys
