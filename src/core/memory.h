#pragma once
// The texts and lists of the model, and where their memory comes from. A plan is kept in memory that all
// processes of a generation share (sys/arena.h), so whatever a plan holds must be able to lie there.

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <memory_resource>
#include <string>
#include <vector>

namespace portsplit::core {

using Text = std::pmr::string;
template <typename T>
using List = std::pmr::vector<T>;

/// While it exists, every Text and List that is made without naming a memory resource, and every copy
/// of one, takes its memory from this one. Also those inside of a struct: so a struct needs no
/// constructor for it. For one thread.
class MemoryScope {
  public:
    explicit MemoryScope(std::pmr::memory_resource* memory)
        : before_(std::pmr::set_default_resource(memory)) {}
    ~MemoryScope() { std::pmr::set_default_resource(before_); }
    MemoryScope(const MemoryScope&) = delete;
    MemoryScope& operator=(const MemoryScope&) = delete;

  private:
    std::pmr::memory_resource* before_;
};

/// A few bytes where it is declared, and the heap after these. In a forked process each part of the heap
/// that is written costs a copy of a page; the stack is written anyway. For one short use: what is returned
/// to it is not handed out again.
template <std::size_t kSize>
class StackMemory final : public std::pmr::memory_resource {
  private:
    void* do_allocate(std::size_t size, std::size_t alignment) override {
        void* place = free_;
        std::size_t room = static_cast<std::size_t>(bytes_.data() + kSize - free_);
        if (std::align(alignment, size, place, room) == nullptr) {
            return std::pmr::new_delete_resource()->allocate(size, alignment);
        }
        free_ = static_cast<std::byte*>(place) + size;
        return place;
    }
    void do_deallocate(void* place, std::size_t size, std::size_t alignment) override {
        const std::less<const void*> before;
        const bool is_here = !before(place, bytes_.data()) && before(place, bytes_.data() + kSize);
        if (!is_here) std::pmr::new_delete_resource()->deallocate(place, size, alignment);
    }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }

    alignas(std::max_align_t) std::array<std::byte, kSize> bytes_;
    std::byte* free_ = bytes_.data();
};

}  // namespace portsplit::core
