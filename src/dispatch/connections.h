#pragma once
// The zygote's table of live connections, in memory that no dispatcher inherits. So a dispatcher
// cannot read about other connections, and the kernel never copies a page because the zygote writes
// to the table after a fork.

#include <sys/types.h>

#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <unordered_map>

#include "dispatch/record.h"

namespace portsplit::dispatch {

/// Allocates pages that fork(2) leaves out of the child (madvise(2) MADV_DONTFORK). Aborts when
/// memory is exhausted.
class UnforkedMemory final : public std::pmr::memory_resource {
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
    bool do_is_equal(const memory_resource& other) const noexcept override {
        return this == &other;
    }
};

/// Live connections by the pid of the dispatcher that serves them. For the zygote only: in a forked
/// child the memory is not mapped, and each access is a segmentation fault.
class Connections {
  public:
    /// Adds a record. It replaces one with the same pid: the kernel uses pids again.
    void add(pid_t pid, const ConnectionRecord& record) {
        remove(pid);
        table_.emplace(pid, record);
    }

    /// Returns the record, valid until it is removed; null if the process serves no connection.
    ConnectionRecord* find(pid_t pid) {
        const auto found = table_.find(pid);
        return found == table_.end() ? nullptr : &found->second;
    }

    /// Returns the process that serves a connection; -1 if none does. Looks at all of them.
    pid_t process_of(std::uint64_t id) const {
        for (const auto& [pid, record] : table_) {
            if (record.id == id) return pid;
        }
        return -1;
    }

    /// Keeps the fields that the log has for a connection. Most have none.
    void set_fields(pid_t pid, std::string_view fields) {
        if (!fields.empty()) fields_[pid] = fields;
    }
    std::string_view fields(pid_t pid) const {
        const auto found = fields_.find(pid);
        return found == fields_.end() ? std::string_view() : found->second;
    }

    /// Removes a record; does nothing if there is none.
    void remove(pid_t pid) {
        table_.erase(pid);
        fields_.erase(pid);
    }
    bool empty() const { return table_.empty(); }
    std::size_t size() const { return table_.size(); }

  private:
    UnforkedMemory memory_;
    std::pmr::unsynchronized_pool_resource pool_{&memory_};
    std::pmr::unordered_map<pid_t, ConnectionRecord> table_{&pool_};
    std::pmr::unordered_map<pid_t, std::pmr::string> fields_{&pool_};
};

}  // namespace portsplit::dispatch
