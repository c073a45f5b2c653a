#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <memory>

namespace portsplit::sys {
namespace {

/// Returns the part of an absolute path that every user can write; empty if there is none.
std::string writable_part(std::string path) {
    for (bool is_file = true; !path.empty(); is_file = false) {
        struct stat status {};
        const bool known = ::stat(path.c_str(), &status) == 0;
        const bool keeps_entries = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
        const bool matters = is_file ? S_ISREG(status.st_mode) : S_ISDIR(status.st_mode);
        if (known && matters && (status.st_mode & S_IWOTH) != 0 && !keeps_entries) return path;
        path.resize(path.rfind('/'));
    }
    return {};
}

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

Result<std::string> read_file(const std::string& path) {
    const std::string what = fmt::format("cannot read {}", path);
    // O_NONBLOCK: open(2) of a FIFO must not wait for a writer.
    UniqueFd fd(retry([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
    if (!fd) return SysError{errno, what};
    struct stat status {};
    if (::fstat(fd.get(), &status) < 0) return SysError{errno, what};
    if (S_ISDIR(status.st_mode)) return SysError{EISDIR, what};
    if (!S_ISREG(status.st_mode)) {
        return SysError{EINVAL, fmt::format("{}, which is not a regular file", what)};
    }
    if (static_cast<std::size_t>(status.st_size) > kLargestFile) return SysError{EFBIG, what};
    auto text = read_all(fd.get());
    if (!text) return SysError{text.error().code, what};
    return text;
}

Result<std::string> read_all(int fd) {
    // Reads into the text itself, in pieces that grow with it. The pages of a large separate buffer
    // would stay in the process and be copied at each fork.
    constexpr std::size_t kFirstPiece = 4096;
    std::string text;
    for (std::size_t size = 0;;) {
        const std::size_t piece = std::max(kFirstPiece, size);
        text.resize(size + piece);
        const ssize_t got = retry([&] { return ::read(fd, text.data() + size, piece); });
        if (got < 0) return SysError{errno, "cannot read"};
        size += static_cast<std::size_t>(got);
        if (got == 0) {
            text.resize(size);
            return text;
        }
        if (size > kLargestFile) return SysError{EFBIG, "cannot read"};
    }
}

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, CloseFolder> open(::opendir(folder.c_str()));
    if (open == nullptr) return names;
    while (const dirent* entry = ::readdir(open.get())) names.emplace_back(entry->d_name);
    return names;
}

std::string writable_by_all(const std::string& path) {
    char buffer[PATH_MAX];
    std::string absolute = path;
    if (!path.starts_with('/')) {
        if (::getcwd(buffer, sizeof buffer) == nullptr) return {};
        absolute = fmt::format("{}/{}", buffer, path);
    }
    if (std::string part = writable_part(absolute); !part.empty()) {
        return part == absolute ? path : part;
    }
    return ::realpath(absolute.c_str(), buffer) == nullptr ? "" : writable_part(buffer);
}

std::string why_no_folder(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0) return error_text(errno);
    if (!S_ISDIR(status.st_mode)) return error_text(ENOTDIR);
    return ::access(path.c_str(), X_OK) < 0 ? error_text(errno) : "";
}

Result<Done> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t put = retry([&] { return ::write(fd, text.data(), text.size()); });
        if (put < 0) return SysError{errno, "cannot write"};
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return Done{};
}

Result<UniqueFd> new_memory(const char* name) {
    UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) return SysError{errno, fmt::format("cannot create memory for {}", name)};
    return fd;
}

Result<Done> seal(int fd) {
    constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    if (::fcntl(fd, F_ADD_SEALS, kSeals) < 0) return SysError{errno, "cannot seal memory"};
    return Done{};
}

Result<std::string> read_memory(int fd, std::size_t most) {
    struct stat file {};
    if (::fstat(fd, &file) < 0) return SysError{errno, "cannot read memory"};
    if (static_cast<std::size_t>(file.st_size) > most) return SysError{EFBIG, "cannot read memory"};
    std::string bytes(static_cast<std::size_t>(file.st_size), '\0');
    for (std::size_t at = 0; at < bytes.size();) {
        const ssize_t got = retry([&] {
            return ::pread(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
        });
        if (got <= 0) return SysError{got < 0 ? errno : EIO, "cannot read memory"};
        at += static_cast<std::size_t>(got);
    }
    return bytes;
}

Result<Done> open_standard_descriptors() {
    while (true) {
        const int fd = retry([] { return ::open("/dev/null", O_RDWR); });
        if (fd < 0) return SysError{errno, "cannot open /dev/null"};
        if (fd > STDERR_FILENO) {
            ::close(fd);
            return Done{};
        }
    }
}

}  // namespace portsplit::sys
