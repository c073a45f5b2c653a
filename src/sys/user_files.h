#pragma once
// Users and groups of /etc/passwd and /etc/group (passwd(5), group(5)), for a static program, which has no name
// service switch.

#include <string>

#include "sys/become.h"
#include "sys/error.h"

namespace portsplit::sys {

/// Looks up a user and its groups as `find_user` does.
/// @param passwd, group_file  paths of the files
/// @returns code ENOENT for a name that is in neither of them
Result<User> find_user_in_files(const std::string& name, const std::string& group,
                                const char* passwd = "/etc/passwd",
                                const char* group_file = "/etc/group");

}  // namespace portsplit::sys
