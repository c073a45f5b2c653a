#pragma once
// A plan in memory that all processes of a generation share and none can write.

#include <cstddef>
#include <memory>
#include <utility>

#include "core/model.h"
#include "core/plan.h"
#include "sys/arena.h"
#include "sys/error.h"

namespace portsplit::dispatch {

/// The most bytes of a plan: of 10,000 services it has about 5 million.
inline constexpr std::size_t kPlanRoom = std::size_t{1} << 30;

class SharedPlan {
  public:
    /// Compiles a configuration, as the constructor of Plan, and seals the memory.
    /// @returns code ENOMEM if it does not fit
    static sys::Result<SharedPlan> build(const core::Config& config, std::size_t room = kPlanRoom);

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
