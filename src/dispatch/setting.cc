#include "dispatch/setting.h"

#include <stdlib.h>

#include <algorithm>
#include <variant>

#include "core/entrance.h"
#include "dispatch/launch.h"
#include "dispatch/loop.h"
#include "dispatch/sandbox.h"
#include "handoff.h"

namespace portsplit::dispatch {
namespace {

/// Returns the listeners that the daemon names, and removes them from the environment, which programs may
/// get parts of.
core::List<core::Endpoint> own_listeners(const core::Plan& plan) {
    const char* text = ::getenv(handoff::kListenersVariable);
    if (text == nullptr) return binds_of(plan.config());
    core::List<core::Endpoint> listeners = listeners_in(text);
    ::unsetenv(handoff::kListenersVariable);
    return listeners;
}

/// Returns true if a service is a program that writes to the log.
bool has_log(const core::Service& service) {
    const auto* exec = std::get_if<core::Exec>(&service.action);
    return exec != nullptr && exec->stderr_to == core::StderrTo::Log;
}

}  // namespace

Setting setting_for(const core::Plan& plan, int log, const FailedTargets& failed_targets,
                    int sniffers) {
    const bool has_programs = first_program(plan.config()) != nullptr;
    const bool needs_log = std::ranges::any_of(plan.config().services, has_log);
    const auto eyes = sniffers >= 0 ? Setting::Eyes::Sniffer : Setting::Eyes::Own;
    return {plan,
            clean_environment(),
            own_listeners(plan),
            needs_log ? log : -1,
            has_programs,
            &failed_targets,
            eyes,
            sniffers};
}

}  // namespace portsplit::dispatch
