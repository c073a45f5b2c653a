#include "dispatch/shared_plan.h"

#include <new>

#include "core/memory.h"

namespace portsplit::dispatch {

sys::Result<SharedPlan> SharedPlan::build(const core::Config& config) {
    auto memory = sys::Arena::create("portsplit-plan", kPlanRoom);
    if (!memory) return memory.error();
    const core::Plan* plan = nullptr;
    {
        const core::MemoryScope scope(memory->get());
        void* place = (*memory)->allocate(sizeof(core::Plan), alignof(core::Plan));
        plan = new (place) core::Plan(config);
    }
    if (auto sealed = (*memory)->seal(); !sealed) return sealed.error();
    return SharedPlan(*std::move(memory), plan);
}

}  // namespace portsplit::dispatch
