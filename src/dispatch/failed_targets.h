#pragma once
// Which targets have failed lately, so that the next connections try them last, until one has found the target
// alive. The zygote writes it, from the messages of dispatchers; the dispatchers of its generation read it. There
// is no lock.
//
// How it works. A target that failed is tried last. After `kAside` the zygote lets one process at a time try it in
// its turn, the prober: first a spare that waits for a connection. Its pid stands beside the time of the failure,
// so the permission needs no message, and only the zygote can give it. The permission is withdrawn when the
// connection of the prober has reached a target, chose another service or ended, or took too long. A connection
// that waits for a target sees in the same memory that another one found it dead meanwhile.

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/model.h"
#include "sys/clock.h"
#include "sys/error.h"

namespace portsplit::dispatch {

class FailedTargets {
  public:
    /// How long after a failure no connection tries a target in its turn.
    static constexpr std::chrono::seconds kAside{10};
    /// How much longer a prober may take than its own limits allow.
    static constexpr std::chrono::seconds kProbeSlack{1};

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

    /// Returns true if no target is tried last. Then no other function for probers has anything to do.
    bool is_empty() const { return aside_.empty(); }
    /// Lets spares try the targets whose time is over, and withdraws what took too long. A spare gets at most one
    /// target of a service.
    /// @param waiting  the spares that wait for a connection; the one that gets the next comes first
    void let_probe(std::span<const pid_t> waiting);
    /// Notes that a spare took a connection.
    /// @param limit  how long that connection may be without a service
    void note_taken(pid_t pid, std::chrono::milliseconds limit);
    /// Notes that a connection has a service.
    /// @param limit  how long it may need to reach a target
    void note_chosen(pid_t pid, std::size_t service, std::chrono::milliseconds limit);
    /// Withdraws what a process was allowed: its connection reached a target, or it ended.
    void withdraw(pid_t pid);
    /// Returns when to call `let_probe`.
    sys::Clock::time_point due() const { return due_; }

    // For dispatchers.

    /// Returns the order in which this process tries the targets of a service: those that have failed come last,
    /// unless it may probe them. Empty if nothing is kept of the service: the order is that of the file.
    std::vector<std::size_t> order(std::size_t service, std::size_t targets) const;

    /// Whether a target fails while a connection waits for it.
    class Watch;
    Watch watch(std::size_t service, std::size_t target) const;

  private:
    struct Mark {
        /// When the target failed, in milliseconds of sys::Clock; 0 if it is as good as the others.
        std::atomic<std::int64_t> failed_at;
        /// The process that tries it in its turn nevertheless; 0 for none.
        std::atomic<pid_t> prober;
    };
    static_assert(std::atomic<std::int64_t>::is_always_lock_free &&
                  std::atomic<pid_t>::is_always_lock_free);

    /// A target that is tried last.
    struct Aside {
        std::size_t service;
        std::size_t target;
        pid_t prober = 0;          ///< 0 for none
        bool has_service = false;  ///< true once the connection of the prober has one
        sys::Clock::time_point
            next_at{};  ///< when it may be probed, or the permission is withdrawn

        std::pair<std::size_t, std::size_t> place() const { return {service, target}; }
    };

    void swap(FailedTargets& other) noexcept {
        std::swap(first_, other.first_);
        std::swap(size_, other.size_);
        std::swap(writable_, other.writable_);
        std::swap(readable_, other.readable_);
        std::swap(aside_, other.aside_);
        std::swap(due_, other.due_);
    }
    Mark* find(Mark* marks, std::size_t service, std::size_t target) const;
    void set_prober(Aside& aside, pid_t pid, sys::Clock::time_point next_at);
    bool probes(pid_t pid, std::size_t service) const;
    std::vector<Aside>::iterator find_aside(std::size_t service, std::size_t target);

    /// By service: the place of its first target; empty if none is kept.
    std::vector<std::uint32_t> first_;
    std::size_t size_ = 0;      ///< of a mapping, in bytes
    Mark* writable_ = nullptr;  ///< not mapped in a forked child
    Mark* readable_ = nullptr;
    std::vector<Aside> aside_;  ///< sorted by service and target; the zygote's own
    sys::Clock::time_point due_ = sys::Clock::time_point::max();
};

class FailedTargets::Watch {
  public:
    /// Nothing is known: the target never fails.
    Watch() = default;

    /// Returns true if there is something to look at.
    bool is_on() const { return mark_ != nullptr; }
    /// Returns true if a connection reported a failure since this began.
    bool has_failed() const {
        if (mark_ == nullptr) return false;
        const auto failed_at = mark_->failed_at.load(std::memory_order_relaxed);
        return failed_at != 0 && failed_at != seen_;
    }

  private:
    friend class FailedTargets;
    explicit Watch(const Mark* mark)
        : mark_(mark),
          seen_(mark == nullptr ? 0 : mark->failed_at.load(std::memory_order_relaxed)) {}

    const Mark* mark_ = nullptr;
    std::int64_t seen_ = 0;  ///< the failure that was known when this began
};

/// The order of the targets of one service, for one connection.
struct TargetChoice {
    const FailedTargets* failed = nullptr;  ///< borrowed; null: not known
    std::size_t service = 0;

    /// As of `FailedTargets`.
    std::vector<std::size_t> order(std::size_t targets) const {
        return failed == nullptr ? std::vector<std::size_t>() : failed->order(service, targets);
    }
    FailedTargets::Watch watch(std::size_t target) const {
        return failed == nullptr ? FailedTargets::Watch() : failed->watch(service, target);
    }
};

}  // namespace portsplit::dispatch
