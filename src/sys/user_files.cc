#include "sys/user_files.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace portsplit::sys {
namespace {

struct Close {
    void operator()(FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, Close>;

struct Group {
    gid_t gid;
    std::string name;
    std::vector<std::string> members;
};

std::vector<Group> groups_in(const char* path) {
    std::vector<Group> groups;
    const File file(std::fopen(path, "re"));
    while (file) {
        const struct group* entry = ::fgetgrent(file.get());
        if (entry == nullptr) break;
        Group& group = groups.emplace_back(Group{entry->gr_gid, entry->gr_name, {}});
        for (char** member = entry->gr_mem; *member != nullptr; ++member) {
            group.members.emplace_back(*member);
        }
    }
    return groups;
}

struct Entry {
    std::string name;
    uid_t uid;
    gid_t gid;
};

std::optional<std::uint32_t> id_in(std::string_view text) {
    std::uint32_t id = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), id);
    // The largest number means "no change" (setresuid(2)).
    const bool is_id = read.ec == std::errc() && read.ptr == text.data() + text.size();
    return is_id && id != UINT32_MAX ? std::optional(id) : std::nullopt;
}

/// Returns the entry of a name, else that of a number.
std::optional<Entry> entry_in(const char* path, const std::string& name) {
    const auto id = id_in(name);
    std::optional<Entry> found;
    const File file(std::fopen(path, "re"));
    while (file) {
        const passwd* entry = ::fgetpwent(file.get());
        if (entry == nullptr) break;
        const bool is_named = name == entry->pw_name;
        if (is_named || (!found && id == entry->pw_uid)) {
            found = Entry{entry->pw_name, entry->pw_uid, entry->pw_gid};
        }
        if (is_named) break;
    }
    return found;
}

}  // namespace

Result<User> find_user_in_files(const std::string& name, const std::string& group,
                                const char* passwd, const char* group_file) {
    User user{.uid = ::getuid(), .gid = ::getgid(), .groups = {}};
    const std::vector<Group> groups = groups_in(group_file);
    if (!group.empty()) {
        const auto found = std::ranges::find(groups, group, &Group::name);
        const auto id = id_in(group);
        if (found == groups.end() && !id) {
            return SysError{ENOENT, "cannot find the group " + group + " in " + group_file};
        }
        user.gid = found == groups.end() ? *id : found->gid;
        user.groups = {user.gid};
    }
    if (name.empty()) return user;
    const auto entry = entry_in(passwd, name);
    const auto id = id_in(name);
    if (!entry && !id) {
        return SysError{ENOENT, "cannot find the user " + name + " in " + passwd};
    }
    user.uid = entry ? entry->uid : *id;
    if (group.empty()) user.gid = entry ? entry->gid : *id;
    user.groups = {user.gid};
    if (!entry) return user;
    for (const Group& one : groups) {
        const bool is_member = std::ranges::find(one.members, entry->name) != one.members.end();
        if (is_member && one.gid != user.gid) user.groups.push_back(one.gid);
    }
    return user;
}

}  // namespace portsplit::sys
