#pragma once
// Which targets have failed lately, so that the next connections try them last. The zygote writes it, from the
// messages of dispatchers; the dispatchers of its generation read it. There is no lock.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/model.h"
#include "sys/clock.h"
#include "sys/error.h"

namespace portsplit::dispatch {

class FailedTargets {
  public:
    /// How long a target is tried last after a failure.
    static constexpr std::chrono::seconds kAside{10};

    /// Knows of no failure, and takes none.
    FailedTargets() = default;
    /// Maps memory for the services with several targets; none if there is no such service.
    static sys::Result<FailedTargets> create(const core::Config& config);
    FailedTargets(FailedTargets&& other) noexcept { swap(other); }
    FailedTargets& operator=(FailedTargets&& other) noexcept {
        swap(other);
        return *this;
    }
    ~FailedTargets();

    // For the zygote. A service and a target are indexes in the configuration.
    void note_failure(std::size_t service, std::size_t target);
    void note_success(std::size_t service, std::size_t target);

    /// Returns the order in which a dispatcher tries the targets of a service: those that have failed lately
    /// come last. Empty if nothing is kept of the service: the order is that of the file.
    std::vector<std::size_t> order(std::size_t service, std::size_t targets) const;

  private:
    /// When a target is as good as the others again, in milliseconds of sys::Clock; 0 if it is.
    using Mark = std::atomic<std::int64_t>;
    static_assert(Mark::is_always_lock_free);

    void swap(FailedTargets& other) noexcept {
        std::swap(first_, other.first_);
        std::swap(size_, other.size_);
        std::swap(writable_, other.writable_);
        std::swap(readable_, other.readable_);
    }
    Mark* find(Mark* marks, std::size_t service, std::size_t target) const;

    /// By service: the place of its first target; empty if none is kept.
    std::vector<std::uint32_t> first_;
    std::size_t size_ = 0;      ///< of a mapping, in bytes
    Mark* writable_ = nullptr;  ///< not mapped in a forked child
    Mark* readable_ = nullptr;
};

}  // namespace portsplit::dispatch
