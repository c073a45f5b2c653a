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

sys::Result<std::unique_ptr<sys::Arena>> new_memory(std::size_t room) {
    return sys::Arena::create("portsplit-plan", room);
}

/// Puts the plan at the beginning of the memory, and seals it.
sys::Result<sys::Done> fill(sys::Arena& memory, const core::Config& config) {
    try {
        const core::MemoryScope scope(&memory);
        void* place = memory.allocate(sizeof(core::Plan), alignof(core::Plan));
        new (place) core::Plan(config);
    } catch (const std::bad_alloc&) {
        return sys::SysError{
            ENOMEM, fmt::format("the patterns need more than {} MiB", memory.room() >> 20)};
    } catch (const core::InvalidPattern& invalid) {
        return sys::SysError{
            EINVAL, fmt::format("a pattern from portsplitd does not compile, {}", invalid.what())};
    }
    return memory.seal();
}

/// The work of the process that compiles; returns its exit code.
int compile(const SharedPlan::Read& read, sys::Arena& memory, sys::Log& log) {
    const auto config = read();
    if (!config) return config.error();
    const auto filled = fill(memory, *config);
    if (filled) return 0;
    log.line(sys::Level::Error, sys::to_string(filled.error()));
    return filled.error().code == EINVAL ? kExitConfiguration : kExitSystem;
}

}  // namespace

sys::Result<SharedPlan> SharedPlan::build(const core::Config& config, std::size_t room) {
    auto memory = new_memory(room);
    if (!memory) return memory.error();
    if (auto filled = fill(**memory, config); !filled) return filled.error();
    return SharedPlan(*std::move(memory));
}

core::Result<SharedPlan, int> SharedPlan::build_apart(const Read& read, sys::Log& log,
                                                      std::size_t room) {
    const auto failed = [&log](const std::string& why) {
        log.line(sys::Level::Error, "cannot compile the configuration: " + why);
        return kExitSystem;
    };
    auto memory = new_memory(room);
    if (!memory) return failed(sys::to_string(memory.error()));
    const pid_t self = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return failed(sys::to_string({errno, "cannot fork"}));
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != self) ::_exit(kExitSystem);  // it died before the line above
        ::_exit(compile(read, **memory, log));
    }
    const int status = sys::wait_for_child(pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) return WEXITSTATUS(status);
    if (status != 0) {
        return failed(
            fmt::format("the process that does it ended ({})", sys::describe_status(status)));
    }
    if (auto mapped = (*memory)->map_sealed(); !mapped)
        return failed(sys::to_string(mapped.error()));
    return SharedPlan(*std::move(memory));
}

}  // namespace portsplit::dispatch
