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

/// By how much the file grows.
constexpr std::size_t kStep = std::size_t{1} << 20;
/// A room that is not halved again.
constexpr std::size_t kLeastRoom = std::size_t{16} << 20;

std::size_t round_up(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

Result<std::unique_ptr<Arena>> Arena::create(const char* name, std::size_t room) {
    room = round_up(room, page_size());
    auto file = new_memory(name);
    if (!file) return file.error();
    const auto map = [&] {
        return ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_SHARED, file->get(), 0);
    };
    void* begin = map();
    // A limit on the address space (ulimit -v) may leave less.
    while (begin == MAP_FAILED && errno == ENOMEM && room > kLeastRoom) {
        room = round_up(room / 2, page_size());
        begin = map();
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
    const std::size_t mapped = std::exchange(room_, 0);
    const std::size_t kept = round_up(used_, page_size());
    // The seal is for mappings made after it.
    if (::munmap(begin_, mapped) < 0) return SysError{errno, "cannot unmap shared memory"};
    if (::ftruncate(file_.get(), static_cast<off_t>(kept)) < 0) {
        return SysError{errno, "cannot cut shared memory"};
    }
    // Not F_SEAL_WRITE: before Linux 6.7 such a file cannot be mapped shared, not even for reading.
    constexpr int kSeals = F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    if (::fcntl(file_.get(), F_ADD_SEALS, kSeals) < 0) {
        return SysError{errno, "cannot seal shared memory"};
    }
    if (kept == 0) return Done{};
    const void* again =
        ::mmap(begin_, kept, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, file_.get(), 0);
    if (again != begin_) return SysError{errno, "cannot map sealed memory where it was"};
    room_ = kept;
    file_.reset();
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
