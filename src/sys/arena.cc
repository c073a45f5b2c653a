#include "sys/arena.h"

#include <fmt/core.h>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include <unistd.h>

#include <functional>
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

std::size_t round_up(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

Result<std::unique_ptr<Arena>> Arena::create(const char* name, std::size_t room) {
    room = round_up(room, page_size());
    auto file = new_memory(name);
    if (!file) return file.error();
    if (::ftruncate(file->get(), static_cast<off_t>(room)) < 0) {
        return SysError{errno, fmt::format("cannot create shared memory for {}", name)};
    }
    void* begin = ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_SHARED, file->get(), 0);
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
    // The kernel refuses the seal while the memory is mapped for writing.
    if (::munmap(begin_, mapped) < 0) return SysError{errno, "cannot unmap shared memory"};
    if (::ftruncate(file_.get(), static_cast<off_t>(kept)) < 0) {
        return SysError{errno, "cannot cut shared memory"};
    }
    if (auto sealed = sys::seal(file_.get()); !sealed) return sealed;
    if (kept == 0) return Done{};
    const void* again =
        ::mmap(begin_, kept, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, file_.get(), 0);
    if (again != begin_) return SysError{errno, "cannot map sealed memory where it was"};
    room_ = kept;
    file_.reset();
    return Done{};
}

bool Arena::holds(const void* address) const {
    const std::less<const void*> before;
    return !before(address, begin_) && before(address, begin_ + used_);
}

void* Arena::do_allocate(std::size_t size, std::size_t alignment) {
    const std::size_t at = round_up(used_, alignment);
    if (!file_ || at > room_ || size + kGap > room_ - at) throw std::bad_alloc();
    used_ = at + size + kGap;
    ASAN_UNPOISON_MEMORY_REGION(begin_ + at, size);
    ASAN_POISON_MEMORY_REGION(begin_ + at + size, kGap);
    return begin_ + at;
}

}  // namespace portsplit::sys
