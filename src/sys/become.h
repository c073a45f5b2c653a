#pragma once
// The user and groups of a process, and dropping root. Looks nobody up.

#include <sys/types.h>

#include <vector>

#include "sys/error.h"

namespace portsplit::sys {

/// The user and groups of a process.
struct User {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;   ///< all supplementary groups
    bool keeps_net_raw = false;  ///< keeps CAP_NET_RAW if it has it, see sys/capability.h
};

/// Makes this process that user for good: sets the supplementary groups, then the group, then the
/// user, each real, effective and saved. Reads them back, and checks that root cannot be regained.
/// @returns an error after which the process must end: it may have dropped a part of its rights
Result<Done> become(const User& user);

}  // namespace portsplit::sys
