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

struct Connection {
    std::uint64_t id = 0;
    sys::Clock::time_point accepted;
    Parties parties;
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
    void add(pid_t pid, const Connection& connection) { table_.insert_or_assign(pid, connection); }

    /// Null for a process that serves none.
    Connection* find(pid_t pid) {
        const auto found = table_.find(pid);
        return found == table_.end() ? nullptr : &found->second;
    }

    void remove(pid_t pid) { table_.erase(pid); }
    bool empty() const { return table_.empty(); }
    std::size_t size() const { return table_.size(); }

  private:
    UnforkedMemory memory_;
    std::pmr::unsynchronized_pool_resource pool_{&memory_};
    std::pmr::unordered_map<pid_t, Connection> table_{&pool_};
};

}  // namespace portsplit::dispatch
