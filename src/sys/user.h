#pragma once
// Users and groups of this machine, and becoming one of them for good. Looked up through the name
// service switch, so only in programs that are not linked statically.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "sys/error.h"

namespace portsplit::sys {

/// Who a process is to be.
struct User {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;  ///< supplementary groups, all of them
};

bool user_exists(const std::string& name);
bool group_exists(const std::string& name);

/// Looks up a user with all its groups; with `group`, that one instead of the user's own. An empty
/// name stays this process's user with no supplementary group. Code ENOENT for an unknown name.
Result<User> find_user(const std::string& name, const std::string& group);

/// Becomes that user for good: groups, group and user, real, effective and saved; each step is
/// checked, and then that root cannot be had back. After an error the process must end.
Result<Done> become(const User& user);

}  // namespace portsplit::sys
