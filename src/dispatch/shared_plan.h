#pragma once
// A plan in memory that all processes of a generation share and none can write.

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "core/model.h"
#include "core/plan.h"
#include "core/result.h"
#include "sys/arena.h"
#include "sys/error.h"
#include "sys/log.h"

namespace portsplit::dispatch {

/// The most bytes of a plan: of 10,000 services it has about 4 million.
inline constexpr std::size_t kPlanRoom = std::size_t{1} << 30;

class SharedPlan {
  public:
    /// Compiles a configuration, as the constructor of Plan, and seals the memory.
    /// @returns code ENOMEM if it does not fit
    /// @throws core::InvalidPattern if a pattern does not compile
    static sys::Result<SharedPlan> build(const core::Config& config, std::size_t room = kPlanRoom);

    using Read = std::function<core::Result<core::Config, int>()>;
    /// Reads and compiles a configuration in a process of its own. In this one nothing remains of the work:
    /// every fork would copy the page tables of the heap that it needs.
    /// @param read  returns the configuration, or logs what is wrong and returns the exit code
    /// @returns the exit code instead of a plan; what is wrong is logged
    static core::Result<SharedPlan, int> build_apart(const Read& read, sys::Log& log,
                                                     std::size_t room = kPlanRoom);

    /// The plan lives as long as this object, and is never destroyed: a destructor could write.
    const core::Plan& plan() const { return *plan_; }
    const sys::Arena& memory() const { return *memory_; }

  private:
    SharedPlan(std::unique_ptr<sys::Arena> memory, const core::Plan* plan)
        : memory_(std::move(memory)), plan_(plan) {}

    std::unique_ptr<sys::Arena> memory_;
    const core::Plan* plan_;
};

}  // namespace portsplit::dispatch
