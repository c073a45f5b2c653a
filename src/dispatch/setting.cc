#include "dispatch/setting.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "core/entrance.h"
#include "dispatch/launch.h"
#include "dispatch/loop.h"
#include "dispatch/sandbox.h"
#include "handoff.h"
#include "sys/capability.h"
#include "sys/run_as.h"

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

}  // namespace

Setting setting_for(const core::Plan& plan, const FailedTargets& failed_targets, Roles roles) {
    return {.plan = plan,
            .environment = clean_environment(),
            .listeners = own_listeners(plan),
            .has_programs = first_program(plan.config()) != nullptr,
            .errors_to = Setting::ErrorsTo::Zygote,
            .failed_targets = &failed_targets,
            .eyes = roles.sniffers >= 0 ? Setting::Eyes::Sniffer : Setting::Eyes::Own,
            .sniffers = roles.sniffers,
            .serving = std::move(roles.serving),
            .relays = roles.relays};
}

std::optional<sys::User> serving_user(const core::Config& config) {
    if (::geteuid() != 0 || !sys::has_own_users(config)) return std::nullopt;
    return sys::user_of_numbers(config.user, config.group);
}

sys::Result<sys::Done> keep_rights_for(const core::Config& config) {
    using sys::Capability;
    // Kill: for programs whose client is gone. SetPcap: sniffers and relays limit what programs of theirs could have.
    std::vector<Capability> needed{Capability::SetUid, Capability::SetGid, Capability::Kill,
                                   Capability::SetPcap};
    bool has_root = false;
    for (const core::Service& service : config.services) {
        if (core::is_transparent(service)) needed.push_back(Capability::NetRaw);
        const auto* exec = std::get_if<core::Exec>(&service.action);
        if (exec == nullptr) continue;
        if (!exec->limits.empty()) needed.push_back(Capability::SysResource);
        if (!exec->nice.empty()) needed.push_back(Capability::SysNice);
        has_root = has_root || exec->user == "0";
    }
    // A program of root may need to enter a folder that only its owner may.
    return has_root ? sys::use_only(needed) : sys::leave_only(needed);
}

sys::Result<sys::Done> give_up_rights(const Setting& setting) {
    if (setting.serving) {
        if (auto became = sys::become(*setting.serving); !became) return became;
    }
    return setting.relays == nullptr ? sys::Done{} : setting.relays->enter();
}

}  // namespace portsplit::dispatch
