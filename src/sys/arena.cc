#include "sys/arena.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "sys/file.h"

namespace portsplit::sys {
namespace {

#if defined(__SANITIZE_ADDRESS__)  // GCC
#define PORTSPLIT_HAS_ASAN 1
#elif defined(__has_feature)  // clang
#define PORTSPLIT_HAS_ASAN __has_feature(address_sanitizer)
#else
#define PORTSPLIT_HAS_ASAN 0
#endif

/// How many bytes behind each piece AddressSanitizer does not allow access to.
constexpr std::size_t kGap = PORTSPLIT_HAS_ASAN ? 16 : 0;

/// By how much the file grows.
constexpr std::size_t kStep = std::size_t{1} << 20;
/// A room that is not halved again.
constexpr std::size_t kLeastRoom = std::size_t{16} << 20;

/// What one page of a page table covers where pages have 4 KiB. Memory that begins at such a border needs
/// the fewest of them.
constexpr std::size_t kTableReach = std::size_t{2} << 20;

/// Not F_SEAL_WRITE: before Linux 6.7 such a file cannot be mapped shared, not even for reading.
constexpr int kSeals = F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

std::size_t round_up(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

/// Maps a file for reading and writing, so that it begins at a multiple of `kTableReach`.
/// @returns MAP_FAILED with errno if it cannot
void* map_aligned(int file, std::size_t size) {
    void* mapped = ::mmap(nullptr, size + kTableReach, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) return mapped;
    ::munmap(mapped, size + kTableReach);
    std::size_t space = size + kTableReach;
    void* begin = std::align(kTableReach, size, mapped, space);
    return ::mmap(begin, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, file, 0);
}

}  // namespace

Result<std::unique_ptr<Arena>> Arena::create(const char* name, std::size_t room) {
    room = round_up(room, page_size());
    auto file = new_memory(name);
    if (!file) return file.error();
    void* begin = map_aligned(file->get(), room);
    // A limit on the address space (ulimit -v) may leave less.
    while (begin == MAP_FAILED && errno == ENOMEM && room > kLeastRoom) {
        room = round_up(room / 2, page_size());
        begin = map_aligned(file->get(), room);
    }
    if (begin == MAP_FAILED) {
        return SysError{errno, fmt::format("cannot map shared memory for {}", name)};
    }
    return std::unique_ptr<Arena>(
        new Arena(*std::move(file), static_cast<std::byte*>(begin), room));
}

Arena::~Arena() {
    ASAN_UNPOISON_MEMORY_REGION(begin_, room_);
    if (room_ > 0) ::munmap(begin_, room_);
}

Result<Done> Arena::seal() {
    if (::ftruncate(file_.get(), static_cast<off_t>(round_up(used_, page_size()))) < 0) {
        return SysError{errno, "cannot cut shared memory"};
    }
    if (::fcntl(file_.get(), F_ADD_SEALS, kSeals) < 0) {
        return SysError{errno, "cannot seal shared memory"};
    }
    return map_sealed();
}

Result<Done> Arena::map_sealed() {
    const UniqueFd file = std::move(file_);
    struct stat state {};
    if (::fstat(file.get(), &state) < 0) return SysError{errno, "cannot look at shared memory"};
    if (::fcntl(file.get(), F_GET_SEALS) != kSeals) {
        return SysError{EPERM, "shared memory is not sealed"};
    }
    // A seal does not change the mappings that are there.
    if (::munmap(begin_, std::exchange(room_, 0)) < 0) {
        return SysError{errno, "cannot unmap shared memory"};
    }
    const auto size = static_cast<std::size_t>(state.st_size);
    if (size == 0) return Done{};
    const void* again =
        ::mmap(begin_, size, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, file.get(), 0);
    if (again != begin_) return SysError{errno, "cannot map sealed memory where it was"};
    room_ = size;
    return Done{};
}

/// Lengthens the file to hold what is used, and some more. Pages that are not touched cost nothing.
void Arena::lengthen() {
    const std::size_t wanted = std::min(room_, round_up(used_, kStep));
    rlimit limit{};
    // A file that is longer than the limit (ulimit -f) would raise SIGXFSZ.
    const bool is_limited = ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < wanted;
    if (is_limited || ::ftruncate(file_.get(), static_cast<off_t>(wanted)) < 0)
        throw std::bad_alloc();
    length_ = wanted;
}

void* Arena::do_allocate(std::size_t size, std::size_t alignment) {
    const std::size_t at = round_up(used_, alignment);
    if (!file_ || at > room_ || size > room_ || size + kGap > room_ - at) throw std::bad_alloc();
    used_ = at + size + kGap;
    if (used_ > length_) lengthen();
    ASAN_UNPOISON_MEMORY_REGION(begin_ + at, size);
    ASAN_POISON_MEMORY_REGION(begin_ + at + size, kGap);
    return begin_ + at;
}

}  // namespace portsplit::sys
