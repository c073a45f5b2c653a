#pragma once
// The ways in which a compromised process may try to write a file in memory (memfd_create(2)) that
// it has mapped read-only.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "sys/fd.h"

namespace portsplit {

/// A mapping of this process, from /proc/self/maps (proc(5)).
struct Mapping {
    std::string range;  ///< of addresses, as `START-END`
    std::uintptr_t start = 0;
    off_t offset = 0;  ///< in the file
    std::string file;
};

/// Returns the mapping that contains the address; an empty one if there is none.
inline Mapping mapping_of(const void* place) {
    const auto wanted = reinterpret_cast<std::uintptr_t>(place);
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        Mapping mapping;
        std::string skipped;
        std::istringstream fields(line);
        fields >> mapping.range >> skipped >> std::hex >> mapping.offset >> skipped >> skipped;
        std::getline(fields >> std::ws, mapping.file);
        char dash = '-';
        std::uintptr_t end = 0;
        std::istringstream(mapping.range) >> std::hex >> mapping.start >> dash >> end;
        if (mapping.start <= wanted && wanted < end) return mapping;
    }
    return {};
}

/// Opens the file of a mapping for writing: through each descriptor that this process has of it,
/// and through the mapping itself, which only root may do (proc(5), map_files).
inline std::vector<sys::UniqueFd> open_again(const Mapping& mapping) {
    std::vector<std::string> paths{"/proc/self/map_files/" + mapping.range};
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const auto target = std::filesystem::read_symlink(entry.path(), gone);
        if (!gone && target == mapping.file) paths.push_back(entry.path());
    }
    std::vector<sys::UniqueFd> files;
    for (const std::string& path : paths) {
        sys::UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        if (file) files.push_back(std::move(file));
    }
    return files;
}

/// Tries in each way to change a byte, then to remove it from the file. Call this in a child: what
/// the kernel allows is done.
/// @returns the ways that the kernel allowed, each as a word and a space
inline std::string ways_to_write(char* byte) {
    std::string allowed;
    const auto note = [&](const char* way, bool is_allowed) {
        if (is_allowed && allowed.find(way) == std::string::npos) allowed.append(way).append(" ");
    };
    char other = 'X';
    const auto address = reinterpret_cast<std::uintptr_t>(byte);
    for (const pid_t pid : {::getpid(), ::getppid()}) {
        const std::string path = "/proc/" + std::to_string(pid) + "/mem";
        const sys::UniqueFd memory(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        note("mem", ::pwrite(memory.get(), &other, 1, static_cast<off_t>(address)) == 1);
        const iovec from{&other, 1};
        const iovec to{byte, 1};
        note("process_vm_writev", ::process_vm_writev(pid, &from, 1, &to, 1, 0) == 1);
    }
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    char* const start = byte - address % page;
    const Mapping mapping = mapping_of(byte);
    const std::vector<sys::UniqueFd> files = open_again(mapping);
    const off_t offset = mapping.offset + static_cast<off_t>(address - mapping.start);
    const off_t page_offset = offset - static_cast<off_t>(address % page);
    for (const sys::UniqueFd& file : files) {
        note("pwrite", ::pwrite(file.get(), &other, 1, offset) == 1);
        note("mmap", ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(),
                            page_offset) != MAP_FAILED);
    }
    note("mprotect", ::mprotect(start, page, PROT_READ | PROT_WRITE) == 0);
    note("madvise", ::madvise(start, page, MADV_REMOVE) == 0);
    for (const sys::UniqueFd& file : files) {
        note("fallocate", ::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                      page_offset, static_cast<off_t>(page)) == 0);
        note("grow", ::ftruncate(file.get(), off_t{1} << 40) == 0);
        note("shrink", ::ftruncate(file.get(), 0) == 0);
        note("seal", ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_GROW) == 0);
    }
    return allowed;
}

}  // namespace portsplit
