#include "dispatch/shared_plan.h"

#include <cerrno>
#include <new>
#include <string>

#include "core/memory.h"

namespace portsplit::dispatch {

sys::Result<SharedPlan> SharedPlan::build(const core::Config& config, std::size_t room) {
    auto memory = sys::Arena::create("portsplit-plan", room);
    if (!memory) return memory.error();
    const core::Plan* plan = nullptr;
    try {
        const core::MemoryScope scope(memory->get());
        void* place = (*memory)->allocate(sizeof(core::Plan), alignof(core::Plan));
        plan = new (place) core::Plan(config);
    } catch (const std::bad_alloc&) {
        return sys::SysError{ENOMEM, "the patterns need more than " +
                                         std::to_string((*memory)->room() >> 20) + " MiB"};
    }
    if (auto sealed = (*memory)->seal(); !sealed) return sealed.error();
    return SharedPlan(*std::move(memory), plan);
}

}  // namespace portsplit::dispatch
