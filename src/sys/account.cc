#include "sys/account.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace portsplit::sys {

bool user_exists(const std::string& name) { return ::getpwnam(name.c_str()) != nullptr; }

bool group_exists(const std::string& name) { return ::getgrnam(name.c_str()) != nullptr; }

Result<Account> find_account(const std::string& user, const std::string& group) {
    Account account{.uid = ::getuid(), .gid = ::getgid(), .groups = {}};
    if (!group.empty()) {
        const struct group* entry = ::getgrnam(group.c_str());
        if (entry == nullptr) return SysError{ENOENT, "cannot find the group " + group};
        account.gid = entry->gr_gid;
        account.groups = {account.gid};
    }
    if (user.empty()) return account;
    const passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr) return SysError{ENOENT, "cannot find the user " + user};
    account.uid = entry->pw_uid;
    if (group.empty()) account.gid = entry->pw_gid;
    int count = 0;
    ::getgrouplist(user.c_str(), account.gid, nullptr, &count);
    account.groups.resize(static_cast<std::size_t>(count));
    ::getgrouplist(user.c_str(), account.gid, account.groups.data(), &count);
    return account;
}

Result<Done> become(const Account& account) {
    // Groups first: without the privilege of root they can no longer be set.
    if (::setgroups(account.groups.size(), account.groups.data()) < 0) {
        return SysError{errno, "cannot set the supplementary groups"};
    }
    const gid_t gid = account.gid;
    if (::setresgid(gid, gid, gid) < 0) return SysError{errno, "cannot set the group"};
    const uid_t uid = account.uid;
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
        return SysError{EPERM, "cannot give up root for good"};
    }
    return Done{};
}

}  // namespace portsplit::sys
