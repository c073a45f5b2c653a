#include "daemon/successor.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "daemon/daemon.h"
#include "daemon/state.h"
#include "daemon/upgrade.h"
#include "exit_codes.h"
#include "sys/file.h"
#include "sys/process.h"

namespace portsplit::daemon {

bool takes_over(int argc, char** argv) {
    return argc > 1 && std::string_view(argv[1]) == "--take-over";
}

int answer_predecessor(std::string_view version) {
    const auto refuse = [](const std::string& why) {
        std::printf("portsplitd %s: %s\n", PORTSPLIT_VERSION, why.c_str());
        return kExitSystem;
    };
    if (version != state_version()) {
        return refuse(fmt::format(
            "it can take over the state {}, not {}, so portsplitd must be restarted for it",
            state_version(), version));
    }
    const auto state = sys::read_memory(kStateFd, kLargestState);
    const auto text = sys::read_memory(kTextFd);
    if (!state || !text) return refuse(sys::to_string(state ? text.error() : state.error()));
    auto log = sys::open_log(sys::kStderr, sys::WithoutSyslog::Drop);
    if (!log) return refuse(sys::to_string(log.error()));
    const Options options;
    const std::string why = Daemon(options, *log).why_no_successor(*state, *text);
    if (!why.empty()) return refuse(why);
    std::fputs(answer_of_a_successor(version).c_str(), stdout);
    return 0;
}

sys::Result<sys::Log> log_for(const Options& options) {
    if (!options.take_over || options.log == sys::kSyslog) {
        return sys::open_log(options.log, sys::WithoutSyslog::UseStderr);
    }
    sys::UniqueFd fd(options.take_over->log);
    sys::set_close_on_exec(fd.get(), true);
    return sys::Log::to_descriptor(std::move(fd));
}

}  // namespace portsplit::daemon
