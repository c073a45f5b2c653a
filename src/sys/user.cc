#include "sys/user.h"

#include <fmt/core.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <optional>

#include "sys/capability.h"

namespace portsplit::sys {

namespace {

/// Returns the user or group id that a text is; none if it is no number of one.
std::optional<std::uint32_t> id_in(const std::string& text) {
    std::uint32_t id = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, id);
    // The largest number means "no change" (setresuid(2)).
    if (read.ec != std::errc() || read.ptr != end || id == UINT32_MAX) return std::nullopt;
    return id;
}

Result<gid_t> find_group(const std::string& name) {
    if (const struct group* entry = ::getgrnam(name.c_str())) return entry->gr_gid;
    if (const auto id = id_in(name)) return gid_t{*id};
    return SysError{ENOENT, fmt::format("cannot find the group {}", name)};
}

const passwd* entry_of(const std::string& name) {
    if (const passwd* entry = ::getpwnam(name.c_str())) return entry;
    const auto id = id_in(name);
    return id ? ::getpwuid(*id) : nullptr;
}

/// Returns the groups of a user in the group database, and `gid` among them (getgrouplist(3)).
std::vector<gid_t> groups_of(const char* user, gid_t gid) {
    int count = 0;
    ::getgrouplist(user, gid, nullptr, &count);
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    ::getgrouplist(user, gid, groups.data(), &count);
    return groups;
}

}  // namespace

bool user_exists(const std::string& name) { return entry_of(name) != nullptr || id_in(name); }

bool group_exists(const std::string& name) { return static_cast<bool>(find_group(name)); }

Result<User> find_user(const std::string& name, const std::string& group) {
    User user{.uid = ::getuid(), .gid = ::getgid(), .groups = {}};
    if (!group.empty()) {
        const auto gid = find_group(group);
        if (!gid) return gid.error();
        user.gid = *gid;
        user.groups = {user.gid};
    }
    if (name.empty()) return user;
    if (const passwd* entry = entry_of(name)) {
        user.uid = entry->pw_uid;
        if (group.empty()) user.gid = entry->pw_gid;
        user.groups = groups_of(entry->pw_name, user.gid);
        return user;
    }
    const auto id = id_in(name);
    if (!id) return SysError{ENOENT, fmt::format("cannot find the user {}", name)};
    user.uid = *id;
    if (group.empty()) user.gid = *id;
    user.groups = {user.gid};
    return user;
}

std::string name_of_user(std::string_view number) {
    const auto id = id_in(std::string(number));
    const passwd* entry = id ? ::getpwuid(*id) : nullptr;
    return entry == nullptr ? std::string(number) : entry->pw_name;
}

std::string why_not_become(const std::string& name, const std::string& group) {
    if (passes_on(Capability::SetUid) && passes_on(Capability::SetGid)) return {};
    const auto user = find_user(name, group);
    if (!user || (user->uid == ::geteuid() && user->gid == ::getegid())) return {};
    if (::geteuid() == 0) return "this root has no CAP_SETUID and CAP_SETGID, which it takes";
    return "only root can start a program as another user";
}

}  // namespace portsplit::sys
