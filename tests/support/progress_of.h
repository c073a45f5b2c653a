#pragma once
// A plan with a service of each action, and the progress of connections that were decided by it.

#include <cstdint>

#include "dispatch/progress.h"
#include "support/plans.h"
#include "sys/address.h"

namespace portsplit::dispatch {

// The services of `each_action`.
inline constexpr std::int32_t kSsh = 0;    ///< two targets
inline constexpr std::int32_t kWeb = 1;    ///< a program on the client's socket
inline constexpr std::int32_t kShell = 2;  ///< a program on a terminal
inline constexpr std::int32_t kFallbackService = 3;

inline const core::Plan& each_action() {
    static const core::Plan plan = plan_of(
        {service("ssh", {"SSH-"}, core::Connect{{{"127.0.0.1", 22}, {"vpn.example", 1194}}}),
         service("web", {"GET "}, program("/usr/sbin/httpd", {"-i"})),
         service("shell", {"sh"}, program("/bin/sh", {}, core::Stdio::Pty)),
         service(core::kFallback, {}, to("::1", 8443))});
    return plan;
}

inline sys::Ends documented_ends() {
    return {*sys::Address::from(core::Endpoint{"192.0.2.7", 50022}),
            *sys::Address::from(core::Endpoint{"192.0.2.1", 443})};
}

/// The progress of a connection that was decided for a service.
inline Progress decided_for(std::int32_t index, core::Reason reason = core::Reason::Match) {
    Progress progress;
    progress.decided = 1;
    progress.reason = reason;
    progress.service = index;
    return progress;
}

}  // namespace portsplit::dispatch
