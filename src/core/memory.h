#pragma once
// The texts and lists of the model, and where their memory comes from. A plan is kept in memory that all
// processes of a generation share (sys/arena.h), so whatever a plan holds must be able to lie there.

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

}  // namespace portsplit::core
