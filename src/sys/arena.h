#pragma once
// Memory that one process fills, and that it and all processes that it forks then only read. fork(2) copies
// nothing of it, not even page tables, however large it is.
//
// How it works. The arena is a mapping of a file in memory (memfd_create(2)). What it hands out is never
// returned. Objects in it are never destroyed either: a destructor may write, and after `seal` nothing can.
// Pointers into it stay valid, because `seal` maps it again at the same address.
//
// It hands out the end of the mapping first. The kernel places a new mapping just below those that are
// there, so the first pieces lie beside the program's code. They share a page table with it, unless
// the kernel has aligned the program to 2 MiB, as it does on ext4: then the arena costs each
// process one page table more.

#include <cstddef>
#include <memory>
#include <memory_resource>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

class Arena final : public std::pmr::memory_resource {
  public:
    /// @param name  for /proc/PID/maps and messages
    /// @param room  the most bytes that it can hold; untouched ones cost nothing. Less if this process may
    ///              not have so much address space
    static Result<std::unique_ptr<Arena>> create(const char* name, std::size_t room);

    /// Unmaps the memory. Runs no destructor of what is in it.
    ~Arena() override;
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    /// Makes the memory read-only for every process and for ever: the kernel refuses to map it for
    /// writing again (F_SEAL_FUTURE_WRITE, fcntl(2)). Nothing can be allocated any more.
    /// @returns an error if the memory cannot be sealed; it may be unmapped then
    Result<Done> seal();

    /// Makes the memory read-only here as well, after a process that this one has forked has filled and
    /// sealed it.
    /// @returns an error if it is not sealed, or cannot be mapped
    Result<Done> map_sealed();
    /// Returns how many bytes it can hold.
    std::size_t room() const { return room_; }
    /// Returns how many bytes this process took.
    std::size_t used() const { return used_; }

  private:
    Arena(UniqueFd file, std::byte* begin, std::size_t room)
        : file_(std::move(file)), begin_(begin), room_(room) {}

    /// @throws std::bad_alloc if there is no room, or after `seal`
    void* do_allocate(std::size_t size, std::size_t alignment) override;
    void do_deallocate(void*, std::size_t, std::size_t) override {}
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }

    UniqueFd file_;
    std::byte* begin_;  ///< of the mapping
    std::size_t room_;
    std::size_t used_ = 0;  ///< at the end of the mapping
};

}  // namespace portsplit::sys
