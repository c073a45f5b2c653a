#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace portsplit::sys {
namespace {

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

Result<Done> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t put = retry([&] { return ::write(fd, text.data(), text.size()); });
        if (put < 0) return SysError{errno, "cannot write"};
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return Done{};
}

Result<UniqueFd> sealed_memory(const std::string& name, std::string_view text) {
    UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) return SysError{errno, fmt::format("cannot create memory for {}", name)};
    if (auto written = write_all(fd.get(), text); !written) return written.error();
    constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) < 0) {
        return SysError{errno, fmt::format("cannot seal {}", name)};
    }
    if (::lseek(fd.get(), 0, SEEK_SET) < 0) {
        return SysError{errno, fmt::format("cannot rewind {}", name)};
    }
    return fd;
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
