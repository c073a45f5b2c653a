#pragma once
// The zygote's table of live connections, in memory that no dispatcher inherits: a dispatcher
// cannot read about other connections, and a page written here after a fork is never copied for it.

#include <sys/types.h>

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <unordered_map>

#include "dispatch/log_line.h"
#include "dispatch/progress.h"
#include "sys/clock.h"

namespace portsplit::dispatch {

/// What the zygote knows of one connection.
struct Row {
    std::uint64_t id = 0;
    sys::Clock::time_point accepted;
    sys::Ends ends;
    Progress progress;
};

/// Memory left out of every fork (madvise(2) MADV_DONTFORK).
class UnforkedMemory final : public std::pmr::memory_resource {
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
    bool do_is_equal(const memory_resource& other) const noexcept override {
        return this == &other;
    }
};

/// Live connections by the process that serves them. Must not be touched after a fork by the child.
class Connections {
  public:
    void add(pid_t pid, const Row& row) { table_.insert_or_assign(pid, row); }

    /// Null for a process that serves none.
    Row* find(pid_t pid) {
        const auto found = table_.find(pid);
        return found == table_.end() ? nullptr : &found->second;
    }

    void remove(pid_t pid) { table_.erase(pid); }
    bool empty() const { return table_.empty(); }
    std::size_t size() const { return table_.size(); }

  private:
    UnforkedMemory memory_;
    std::pmr::unsynchronized_pool_resource pool_{&memory_};
    std::pmr::unordered_map<pid_t, Row> table_{&pool_};
};

}  // namespace portsplit::dispatch
