#include "dispatch/log_line.h"

#include <fmt/core.h>

#include <variant>

#include "dispatch/resolve.h"
#include "sys/error.h"
#include "sys/process.h"

namespace portsplit::dispatch {
namespace {

const core::Service* service_of(const core::Plan& plan, const Progress& progress) {
    if (progress.service == Progress::kNone) return nullptr;
    return &plan.service(static_cast<std::size_t>(progress.service));
}

struct Acted {
    std::string action = "close";
    std::string target = "-";
};

Acted action_of(const core::Service* service, const Progress& progress) {
    if (service == nullptr) return {};
    if (const auto* exec = std::get_if<core::Exec>(&service->action)) {
        return {"exec", std::string(exec->program)};
    }
    const auto& targets = std::get<core::Connect>(service->action).targets;
    if (progress.target == Progress::kNone) return {"connect", "-"};
    return {"connect", core::to_string(targets[static_cast<std::size_t>(progress.target)])};
}

/// Returns how the process ended: always for a program, for a dispatcher only if it failed.
std::string ending_of(const core::Service* service, const Progress& progress,
                      std::optional<int> status) {
    if (progress.ended != 0) return " " + sys::describe_status(progress.status);
    if (!status) return "";
    const bool program = service != nullptr && std::holds_alternative<core::Exec>(service->action);
    return program || *status != 0 ? " " + sys::describe_status(*status) : "";
}

}  // namespace

std::string connection_line(const core::Plan& plan, const sys::Ends& ends, const Progress& progress,
                            std::optional<int> status, std::chrono::milliseconds duration) {
    const core::Service* service = service_of(plan, progress);
    const Acted acted = action_of(service, progress);
    const bool counted = progress.counted != 0 || service == nullptr;
    const std::string in = counted ? std::to_string(progress.bytes_in) : "-";
    const std::string out = counted ? std::to_string(progress.bytes_out) : "-";
    return fmt::format(
        "service={} reason={} src={} sport={} dst={} dport={} action={} target={} in={} out={} "
        "ms={}{}",
        service != nullptr ? service->name : "-",
        progress.decided != 0 ? core::to_string(progress.reason) : "-", ends.peer.host(),
        ends.peer.port(), ends.local.host(), ends.local.port(), acted.action, acted.target, in, out,
        duration.count(), ending_of(service, progress, status));
}

std::string failure_line(const core::Plan& plan, const sys::Ends& ends, const Progress& progress) {
    const core::Service* service = service_of(plan, progress);
    const Failure& failure = progress.failure;
    std::string what = "cannot look at the first bytes";
    std::string why = sys::error_text(failure.code);
    if (service != nullptr) {
        if (const auto* exec = std::get_if<core::Exec>(&service->action)) {
            what = "cannot start " + std::string(exec->program);
        } else {
            const auto& target = std::get<core::Connect>(service->action).targets[failure.target];
            const bool named = failure.stage == Stage::Resolve;
            what = named ? "cannot resolve " + std::string(target.host)
                         : "cannot connect to " + core::to_string(target);
            if (named) why = resolve_error_text(failure.code);
        }
    }
    return fmt::format("{} for service {}, client {}: {}", what,
                       service != nullptr ? std::string_view(service->name) : "-", ends.peer.text(),
                       why);
}

std::string gave_up_line(const core::Plan& plan, const sys::Ends& ends, const Progress& progress) {
    const auto service = static_cast<std::size_t>(progress.gave_up);
    return fmt::format(
        "the expression of service {} took too long on the bytes of client {}; it counts as no",
        plan.service(service).name, ends.peer.text());
}

}  // namespace portsplit::dispatch
