#include "sys/program.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <string_view>

#include "sys/fd.h"

namespace portsplit::sys {
namespace {

bool is_program(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
}

/// Returns the array of C strings that execve(2) takes. It points into the texts.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    // execve(2) only reads through these pointers, which its interface has without const.
    for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

}  // namespace

std::string find_program(const std::string& name, std::string_view folders) {
    if (name.find('/') != std::string::npos) return name;
    while (!folders.empty()) {
        const std::string_view folder = folders.substr(0, folders.find(':'));
        std::string path = fmt::format("{}/{}", folder, name);
        if (is_program(path)) return path;
        folders.remove_prefix(std::min(folders.size(), folder.size() + 1));
    }
    return name;
}

std::string why_not_executable(const std::string& program) {
    const std::string path = find_program(program);
    if (path.find('/') == std::string::npos) return fmt::format("not found in {}", kProgramPath);
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0) return error_text(errno);
    if (!S_ISREG(status.st_mode)) return "not a regular file";
    if (::access(path.c_str(), X_OK) < 0) return error_text(errno);
    return "";
}

bool is_script(const std::string& program) {
    const UniqueFd file(::open(find_program(program).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    char first[2];
    return file && ::pread(file.get(), first, sizeof first, 0) == 2 && first[0] == '#' &&
           first[1] == '!';
}

SysError execute(const std::string& path, const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment) {
    ::execve(path.c_str(), pointers(arguments).data(), pointers(environment).data());
    return SysError{errno, fmt::format("cannot execute {}", path)};
}

SysError execute(int program, const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment) {
    ::execveat(program, "", pointers(arguments).data(), pointers(environment).data(),
               AT_EMPTY_PATH);
    return SysError{errno, fmt::format("cannot execute {}", arguments.empty() ? "" : arguments[0])};
}

std::vector<std::string> own_environment() {
    std::vector<std::string> entries;
    for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
    return entries;
}

std::string own_path() {
    // The kernel adds this to the path of a file that was removed or replaced (proc(5)).
    constexpr std::string_view kDeleted = " (deleted)";
    char path[PATH_MAX];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0) return "";
    std::string whole(path, static_cast<std::size_t>(length));
    if (whole.ends_with(kDeleted) && ::access(whole.c_str(), F_OK) < 0) {
        whole.resize(whole.size() - kDeleted.size());
    }
    return whole;
}

std::string own_folder() {
    const std::string path = own_path();
    return path.substr(0, path.empty() ? 0 : path.rfind('/'));
}

std::string beside_own(const std::vector<std::string>& places) {
    std::string path;
    for (const std::string& place : places) {
        path = fmt::format("{}/{}", own_folder(), place);
        char real[PATH_MAX];
        if (::realpath(path.c_str(), real) != nullptr) return real;
    }
    return path;
}

}  // namespace portsplit::sys
