#pragma once
// Users and groups of this machine. getpwnam(3) needs the name service switch, which a static program lacks: there
// is sys/user_files.h.

#include <string>
#include <string_view>

#include "sys/become.h"
#include "sys/error.h"

namespace portsplit::sys {

/// Return true if the user or group is known (getpwnam(3), getgrnam(3)), or is a number.
bool user_exists(const std::string& name);
bool group_exists(const std::string& name);

/// Looks up a user and its groups, each by name, else by number as chown(1) does. The group of a number
/// without an entry is the same number.
/// @param name   empty for the user of this process, without supplementary groups
/// @param group  the group instead of the user's own; empty for the user's own
/// @returns code ENOENT for an unknown name
Result<User> find_user(const std::string& name, const std::string& group);

/// Returns the name of a user in the user database; the number if it has none.
std::string name_of_user(std::string_view number);

/// Returns why this process cannot start a program as a user, or an empty text. It can as itself; as another user
/// only root can, with the capabilities for that.
std::string why_not_become(const std::string& name, const std::string& group);

}  // namespace portsplit::sys
