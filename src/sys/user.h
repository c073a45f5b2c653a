#pragma once
// Users and groups of this machine, and dropping root. getpwnam(3) needs the name service switch,
// which a static program lacks; so portsplitd looks users up and portsplit-dispatch does not.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "sys/error.h"

namespace portsplit::sys {

/// The user and groups of a process.
struct User {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;   ///< all supplementary groups
    bool keeps_net_raw = false;  ///< keeps CAP_NET_RAW, see sys/capability.h
};

/// Return true if the user or group is known (getpwnam(3), getgrnam(3)), or is a number.
bool user_exists(const std::string& name);
bool group_exists(const std::string& name);

/// Looks up a user and its groups, each by name, else by number as chown(1) does. The group of a number
/// without an entry is the same number.
/// @param name   empty for the user of this process, without supplementary groups
/// @param group  the group instead of the user's own; empty for the user's own
/// @returns code ENOENT for an unknown name
Result<User> find_user(const std::string& name, const std::string& group);

/// Makes this process that user for good: sets the supplementary groups, then the group, then the
/// user, each real, effective and saved. Reads them back, and checks that root cannot be regained.
/// @returns an error after which the process must end: it may have dropped a part of its rights
Result<Done> become(const User& user);

}  // namespace portsplit::sys
