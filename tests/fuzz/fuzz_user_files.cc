// Any texts as passwd(5) and group(5). An input has a user, a group, passwd and group, with a NUL between.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "support/checks.h"
#include "support/fuzz_input.h"
#include "sys/file.h"
#include "sys/user_files.h"

namespace {

using namespace portsplit;
using core::require;

sys::UniqueFd file_of(const std::string& text) {
    auto memory = sys::new_memory("file");
    require(memory.ok() && sys::write_all(memory->get(), text).ok(), "there is a file");
    return *std::move(memory);
}

std::string path_of(const sys::UniqueFd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

bool is_number(const std::string& text) {
    return text.find_first_not_of("0123456789") == text.npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    core::FuzzInput input(data, size);
    const std::string name = input.until('\0');
    const std::string group = input.until('\0');
    const std::string passwd = input.until('\0');
    const std::string groups = input.until('\0');
    const sys::UniqueFd passwd_file = file_of(passwd);
    const sys::UniqueFd group_file = file_of(groups);
    const auto user = sys::find_user_in_files(name, group, path_of(passwd_file).c_str(),
                                              path_of(group_file).c_str());
    if (!user) {
        require(!name.empty() || !group.empty(), "this process has a user and a group");
        return 0;
    }
    if (name.empty() && group.empty()) return 0;
    require(name.empty() || is_number(name) || passwd.find(name) != passwd.npos,
            "a user that is no number is in the file");
    require(group.empty() || is_number(group) || groups.find(group) != groups.npos,
            "a group that is no number is in the file");
    require(std::ranges::count(user->groups, user->gid) == 1, "the main group is there once");
    if (!passwd.empty() && !name.empty()) core::note_accepted();
    return 0;
}
