#include "dispatch/log_line.h"

#include <fmt/core.h>

#include <cerrno>
#include <variant>

#include "core/entrance.h"
#include "core/proxy_reader.h"
#include "dispatch/resolve.h"
#include "sys/error.h"
#include "sys/process.h"

namespace portsplit::dispatch {
namespace {

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

/// Returns what could not be done.
std::string failed_act(const core::Service& service, const Failure& failure) {
    if (const auto* exec = std::get_if<core::Exec>(&service.action)) {
        if (failure.stage == Stage::Directory) {
            return fmt::format("cannot enter the directory {} of {}", exec->directory,
                               exec->program);
        }
        if (failure.stage == Stage::Terminal) {
            return fmt::format("cannot open a terminal for {}", exec->program);
        }
        if (failure.stage == Stage::User) {
            return fmt::format("cannot become the user of {}", exec->program);
        }
        if (failure.stage == Stage::Limit) {
            return fmt::format("cannot set a limit or the nice value of {}", exec->program);
        }
        if (failure.stage == Stage::Stderr) {
            return fmt::format("cannot log what {} writes to its standard error", exec->program);
        }
        return fmt::format("cannot start {}", exec->program);
    }
    if (failure.stage == Stage::User) return "cannot give up rights before the relay";
    const auto& target = std::get<core::Connect>(service.action).targets[failure.target];
    if (failure.stage == Stage::Resolve) return fmt::format("cannot resolve {}", target.host);
    return fmt::format("cannot connect to {}", core::to_string(target));
}

/// Returns what to do about a connection that has the client's address and failed; empty if nothing is known.
std::string advice_on_transparent(int code) {
    if (code == EPERM) return "; it needs CAP_NET_RAW, see transparent in portsplit.conf(5)";
    if (code == EAFNOSUPPORT) {
        return "; client and target are not both IPv4 or both IPv6, or the client is on a "
               "Unix-domain socket";
    }
    if (code == EADDRNOTAVAIL) return "; no machine can have the client's address";
    if (code == ETIMEDOUT) {
        return "; answers to the client's address may not come back here, see portsplit check "
               "--system";
    }
    return {};
}

bool is_transparent(const core::Service* service) {
    return service != nullptr && core::is_transparent(*service);
}

std::string reason_of(const core::Service* service, const Failure& failure) {
    switch (failure.stage) {
        case Stage::Connect:
            return sys::error_text(failure.code) +
                   (is_transparent(service) ? advice_on_transparent(failure.code) : "");
        case Stage::Resolve:
            return resolve_error_text(failure.code);
        case Stage::Loop:
            return "it leads back to a listener of this server, without end; name another port";
        case Stage::Refused:
            return "the client is on two pipes, and stdio = socket needs a socket; write stdio = "
                   "pipe";
        default:
            return sys::error_text(failure.code);
    }
}

/// Returns who a sentence is about: the address, and of a client over a Unix-domain socket its user.
std::string client_of(const sys::Arrival& arrival) {
    return arrival.ends.peer.text() + text_of(arrival.credentials);
}

}  // namespace

std::string connection_line(const core::Plan& plan, const sys::Ends& ends, const Progress& progress,
                            std::optional<int> status, std::chrono::milliseconds duration) {
    const core::Service* service = service_of(plan, progress);
    const Acted acted = action_of(service, progress);
    const bool counted = progress.counted != 0 || service == nullptr;
    const std::string in = counted ? std::to_string(progress.bytes_in) : "-";
    const std::string out = counted ? std::to_string(progress.bytes_out) : "-";
    return fmt::format("service={} reason={} {} action={} target={} in={} out={} ms={}{}",
                       service != nullptr ? service->name : "-",
                       progress.decided != 0 ? core::to_string(progress.reason) : "-",
                       text_of(ends), acted.action, acted.target, in, out, duration.count(),
                       ending_of(service, progress, status));
}

std::string start_line(const core::Plan& plan, const sys::Ends& ends, const Progress& progress) {
    const core::Service* service = service_of(plan, progress);
    const Acted acted = action_of(service, progress);
    return fmt::format("started service={} reason={} {} action={} target={}",
                       service != nullptr ? service->name : "-", core::to_string(progress.reason),
                       text_of(ends), acted.action, acted.target);
}

std::string listener_text(const core::Plan& plan, const sys::Arrival& arrival) {
    const std::string_view name = plan.listener_name({arrival.listener});
    return name.empty() ? "" : fmt::format(" listener={}", name);
}

std::string limit_text(const Progress& progress) {
    const auto refusal = static_cast<core::Refusal>(progress.refusal);
    if (progress.reason != core::Reason::Limit || refusal == core::Refusal::None) return {};
    return fmt::format(" limit={}", core::key_of(refusal));
}

std::string failure_line(const core::Plan& plan, const sys::Arrival& arrival,
                         const Progress& progress) {
    if (progress.failure.stage == Stage::Header) {
        const auto fault = static_cast<core::ProxyFault>(progress.failure.code);
        return fmt::format(
            "no valid PROXY header from {}: {}; proxy-from has this peer, so each of "
            "its connections must begin with one",
            client_of(arrival), core::to_string(fault));
    }
    if (progress.failure.stage == Stage::Sniffer) {
        return fmt::format(
            "the process that looks at the first bytes of {} has {}; the connection is closed",
            client_of(arrival),
            progress.failure.code == EPROTO ? "said what cannot be, so it may be compromised"
                                            : "ended without an answer");
    }
    const core::Service* service = service_of(plan, progress);
    return fmt::format("{} for service {}, client {}: {}",
                       service != nullptr ? failed_act(*service, progress.failure)
                                          : "cannot look at the first bytes",
                       service != nullptr ? std::string_view(service->name) : "-",
                       client_of(arrival), reason_of(service, progress.failure));
}

std::string gave_up_line(const core::Plan& plan, const sys::Arrival& arrival,
                         const Progress& progress) {
    const auto service = static_cast<std::size_t>(progress.gave_up);
    return fmt::format(
        "the expression of service {} took too long on the bytes of client {}; it counts as no",
        plan.service(service).name, client_of(arrival));
}

}  // namespace portsplit::dispatch
