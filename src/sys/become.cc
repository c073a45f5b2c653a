#include "sys/become.h"

#include <grp.h>
#include <unistd.h>

#include <cerrno>

#include "sys/capability.h"

namespace portsplit::sys {

Result<Done> become(const User& user) {
    // The order matters: only root can set groups (setgroups(2), setresgid(2)), so the user is last.
    if (::setgroups(user.groups.size(), user.groups.data()) < 0) {
        return SysError{errno, "cannot set the supplementary groups"};
    }
    const gid_t gid = user.gid;
    if (::setresgid(gid, gid, gid) < 0) return SysError{errno, "cannot set the group"};
    const uid_t uid = user.uid;
    const bool keeps_net_raw = user.keeps_net_raw && has_capability(Capability::NetRaw);
    if (keeps_net_raw) keep_capabilities();
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
    if (keeps_net_raw && uid != 0) return leave_net_raw();
    return Done{};
}

}  // namespace portsplit::sys
