#include "sys/user.h"

#include <fmt/core.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace portsplit::sys {

bool user_exists(const std::string& name) { return ::getpwnam(name.c_str()) != nullptr; }

bool group_exists(const std::string& name) { return ::getgrnam(name.c_str()) != nullptr; }

Result<User> find_user(const std::string& name, const std::string& group) {
    User user{.uid = ::getuid(), .gid = ::getgid(), .groups = {}};
    if (!group.empty()) {
        const struct group* entry = ::getgrnam(group.c_str());
        if (entry == nullptr)
            return SysError{ENOENT, fmt::format("cannot find the group {}", group)};
        user.gid = entry->gr_gid;
        user.groups = {user.gid};
    }
    if (name.empty()) return user;
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) return SysError{ENOENT, fmt::format("cannot find the user {}", name)};
    user.uid = entry->pw_uid;
    if (group.empty()) user.gid = entry->pw_gid;
    int count = 0;
    ::getgrouplist(name.c_str(), user.gid, nullptr, &count);
    user.groups.resize(static_cast<std::size_t>(count));
    ::getgrouplist(name.c_str(), user.gid, user.groups.data(), &count);
    return user;
}

Result<Done> become(const User& user) {
    // The order matters: only root can set groups (setgroups(2), setresgid(2)), so the user is last.
    if (::setgroups(user.groups.size(), user.groups.data()) < 0) {
        return SysError{errno, "cannot set the supplementary groups"};
    }
    const gid_t gid = user.gid;
    if (::setresgid(gid, gid, gid) < 0) return SysError{errno, "cannot set the group"};
    const uid_t uid = user.uid;
    if (::setresuid(uid, uid, uid) < 0) return SysError{errno, "cannot set the user"};

    uid_t ids[3];
    gid_t group_ids[3];
    if (::getresuid(&ids[0], &ids[1], &ids[2]) < 0 ||
        ::getresgid(&group_ids[0], &group_ids[1], &group_ids[2]) < 0) {
        return SysError{errno, "cannot read back the user and group"};
    }
    for (int i = 0; i < 3; ++i) {
        if (ids[i] != uid || group_ids[i] != gid) {
            return SysError{EPERM, "cannot become the user and group asked for"};
        }
    }
    if (uid != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0)) {
        return SysError{EPERM, "cannot drop root for good"};
    }
    return Done{};
}

}  // namespace portsplit::sys
