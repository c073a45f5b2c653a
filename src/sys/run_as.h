#pragma once
// Who serves connections and who programs run as: the users of a configuration, looked up once and kept in it as
// numbers, so that no other process needs the databases of users.

#include <functional>
#include <string>

#include "core/model.h"
#include "sys/become.h"
#include "sys/error.h"

namespace portsplit::sys {

/// Looks up a user and its groups: `find_user` or `find_user_in_files`.
using FindUser = std::function<Result<User>(const std::string& name, const std::string& group)>;

/// Replaces the names of users and groups by numbers. The place of bytes that come from clients is never root, unless
/// the configuration says so.
///
/// As root: `user` and `group` of the configuration become those that serve: `portsplit` or else `nobody` where it
/// names no user. A program that runs as them has none of its own after this; any other has numbers: those of its
/// service, else those of the configuration, else those of this process.
/// As another user: nobody has any. Who may not start a program as its user, is refused by `why_not_become` before.
///
/// @param find_system  looks up `portsplit` and `nobody`: they are in the files of users, and the C library's databases
///                     can be slow, or crash when memory is short
/// @returns code ENOENT for an unknown name
Result<core::Config> with_user_numbers(core::Config config, const FindUser& find,
                                       const FindUser& find_system);

/// Returns true if a program runs as somebody else than what serves, so that somebody must stay root.
/// @param config  with numbers
bool has_own_users(const core::Config& config);

/// Returns the user of the numbers that `with_user_numbers` wrote. Groups are the list in `group`: its first is that
/// of the user, the others are the supplementary ones.
User user_of_numbers(std::string_view user, std::string_view group);

/// Returns the user that looks at bytes of clients where what serves is root: `portsplit` of the files of users, else
/// `nobody`, else the number 65534.
User user_without_rights(const FindUser& find);

}  // namespace portsplit::sys
