#include "dispatch/shared_plan.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <string>

#include "core/memory.h"
#include "exit_codes.h"
#include "sys/process.h"

namespace portsplit::dispatch {
namespace {

/// Memory, with room for a plan in it.
struct Site {
    std::unique_ptr<sys::Arena> memory;
    void* plan;
};

sys::Result<Site> new_site(std::size_t room) {
    auto memory = sys::Arena::create("portsplit-plan", room);
    if (!memory) return memory.error();
    void* plan = (*memory)->allocate(sizeof(core::Plan), alignof(core::Plan));
    return Site{*std::move(memory), plan};
}

/// Compiles the plan, and seals the memory.
sys::Result<sys::Done> fill(const Site& site, const core::Config& config) {
    try {
        const core::MemoryScope scope(site.memory.get());
        new (site.plan) core::Plan(config);
    } catch (const std::bad_alloc&) {
        return sys::SysError{
            ENOMEM, fmt::format("the patterns need more than {} MiB", site.memory->room() >> 20)};
    }
    return site.memory->seal();
}

/// The work of the process that compiles; returns its exit code.
int compile(const SharedPlan::Read& read, const Site& site, sys::Log& log) {
    const auto config = read();
    if (!config) return config.error();
    try {
        const auto filled = fill(site, *config);
        if (filled) return 0;
        log.line(sys::Level::Error, sys::to_string(filled.error()));
        return kExitSystem;
    } catch (const core::InvalidPattern& invalid) {
        log.line(sys::Level::Error,
                 fmt::format("a pattern from portsplitd does not compile: {}", invalid.what()));
        return kExitConfiguration;
    }
}

}  // namespace

sys::Result<SharedPlan> SharedPlan::build(const core::Config& config, std::size_t room) {
    auto site = new_site(room);
    if (!site) return site.error();
    if (auto filled = fill(*site, config); !filled) return filled.error();
    return SharedPlan(std::move(site->memory), static_cast<const core::Plan*>(site->plan));
}

core::Result<SharedPlan, int> SharedPlan::build_apart(const Read& read, sys::Log& log,
                                                      std::size_t room) {
    const auto failed = [&log](const std::string& why) {
        log.line(sys::Level::Error, "cannot compile the configuration: " + why);
        return kExitSystem;
    };
    auto site = new_site(room);
    if (!site) return failed(sys::to_string(site.error()));
    const pid_t self = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return failed(sys::to_string({errno, "cannot fork"}));
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != self) ::_exit(kExitSystem);  // it died before the line above
        ::_exit(compile(read, *site, log));
    }
    const int status = sys::wait_for_child(pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) return WEXITSTATUS(status);
    if (status != 0) {
        return failed(
            fmt::format("the process that does it ended ({})", sys::describe_status(status)));
    }
    if (auto mapped = site->memory->map_sealed(); !mapped) {
        return failed(sys::to_string(mapped.error()));
    }
    return SharedPlan(std::move(site->memory), static_cast<const core::Plan*>(site->plan));
}

}  // namespace portsplit::dispatch
