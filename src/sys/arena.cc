#include "sys/arena.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
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

/// A room that is not halved again.
constexpr std::size_t kLeastRoom = std::size_t{16} << 20;

/// Not F_SEAL_WRITE: before Linux 6.7 such a file cannot be mapped shared, not even for reading.
constexpr int kSeals = F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

std::size_t round_up(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

/// A file that is longer than the limit (ulimit -f) would raise SIGXFSZ.
std::size_t largest_file() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) < 0) return 0;
    return limit.rlim_cur;  // RLIM_INFINITY is the largest number
}

}  // namespace

Result<std::unique_ptr<Arena>> Arena::create(const char* name, std::size_t room) {
    room = std::min(room, largest_file()) / page_size() * page_size();
    auto file = new_memory(name);
    if (!file) return file.error();
    const auto map = [&] {
        return ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_SHARED, file->get(), 0);
    };
    void* begin = map();
    // A limit on the address space (ulimit -v) may leave less.
    while (begin == MAP_FAILED && errno == ENOMEM && room > kLeastRoom) {
        room = room / 2 / page_size() * page_size();
        begin = map();
    }
    if (begin == MAP_FAILED) {
        return SysError{errno, fmt::format("cannot map shared memory for {}", name)};
    }
    // A file in memory takes none for pages that are not touched.
    if (::ftruncate(file->get(), static_cast<off_t>(room)) < 0) {
        const int error = errno;
        ::munmap(begin, room);
        return SysError{error, fmt::format("cannot make shared memory for {}", name)};
    }
    return std::unique_ptr<Arena>(
        new Arena(*std::move(file), static_cast<std::byte*>(begin), room));
}

Arena::~Arena() {
    ASAN_UNPOISON_MEMORY_REGION(begin_, room_);
    if (room_ > 0) ::munmap(begin_, room_);
}

Result<Done> Arena::seal() {
    if (::fcntl(file_.get(), F_ADD_SEALS, kSeals) < 0) {
        return SysError{errno, "cannot seal shared memory"};
    }
    return map_sealed();
}

Result<Done> Arena::map_sealed() {
    const UniqueFd file = std::move(file_);
    if (::fcntl(file.get(), F_GET_SEALS) != kSeals) {
        return SysError{EPERM, "shared memory is not sealed"};
    }
    // A seal does not change the mappings that are there.
    const std::size_t room = std::exchange(room_, 0);
    if (::munmap(begin_, room) < 0) return SysError{errno, "cannot unmap shared memory"};
    // No page before this was written.
    const off_t first = ::lseek(file.get(), 0, SEEK_DATA);
    if (first < 0 && errno == ENXIO) return Done{};  // no page was written
    if (first < 0) return SysError{errno, "cannot read sealed memory"};
    begin_ += first;
    const std::size_t size = room - static_cast<std::size_t>(first);
    const void* again =
        ::mmap(begin_, size, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, file.get(), first);
    if (again != begin_) return SysError{errno, "cannot map sealed memory where it was"};
    room_ = size;
    return Done{};
}

void* Arena::do_allocate(std::size_t size, std::size_t alignment) {
    if (!file_ || size > room_ || size + kGap > room_ - used_) throw std::bad_alloc();
    const std::size_t from_end = round_up(used_ + kGap + size, alignment);
    if (from_end > room_) throw std::bad_alloc();
    used_ = from_end;
    std::byte* const piece = begin_ + room_ - used_;
    ASAN_UNPOISON_MEMORY_REGION(piece, size);
    ASAN_POISON_MEMORY_REGION(piece + size, kGap);
    return piece;
}

}  // namespace portsplit::sys
