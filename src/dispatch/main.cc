// portsplit-dispatch: serves connections, as the zygote that portsplitd starts or under a
// super-server.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "config/listeners.h"
#include "config/packed.h"
#include "config_file.h"
#include "core/entrance.h"
#include "core/plan.h"
#include "dispatch/inetd.h"
#include "dispatch/options.h"
#include "dispatch/shared_plan.h"
#include "dispatch/zygote.h"
#include "exit_codes.h"
#include "handoff.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/process.h"
#include "sys/signals.h"
#include "sys/user_files.h"

namespace {

using namespace portsplit;

/// Reads the configuration that the daemon handed over. Logs what is wrong.
/// @param name  of the configuration file
/// @returns the exit code instead of a configuration
core::Result<core::Config, int> read_configuration(int fd, const std::string& name, sys::Log& log) {
    const auto packed = sys::read_memory(fd);
    if (!packed) {
        log.line(sys::Level::Error, sys::to_string(packed.error()));
        return kExitSystem;
    }
    auto config = config::unpack(*packed, config::Need::Services);
    if (config) return *std::move(config);
    log.line(sys::Level::Error, name + ": what portsplitd handed over is not a configuration");
    return kExitConfiguration;
}

dispatch::LogTo log_to(const std::string& where) {
    return where == sys::kSyslog ? dispatch::LogTo::Syslog : dispatch::LogTo::Descriptor;
}

int serve_generation(const dispatch::Options& options) {
    auto log = sys::open_log(options.log, sys::WithoutSyslog::UseStderr);
    if (!log) return kExitSystem;
    if (options.version != std::to_string(handoff::kVersion)) {
        log->line(sys::Level::Error,
                  "portsplitd and portsplit-dispatch are of different versions; "
                  "install both from one build and restart portsplitd");
        return kExitUsage;
    }
    sys::UniqueFd packed(handoff::kConfigurationFd);
    const auto plan = dispatch::SharedPlan::build_apart(
        [&] { return read_configuration(packed.get(), options.file, *log); }, *log);
    packed.reset();
    if (!plan) return plan.error();
    return dispatch::run_zygote(plan->plan(), *log, &dispatch::serve, log_to(options.log));
}

/// Becomes the user and the group of the configuration, if this process is root.
/// @returns false if that failed, with the reason logged
bool become_user(const core::Config& config, sys::Log& log) {
    if (::geteuid() != 0 || (config.user.empty() && config.group.empty())) return true;
    auto user = sys::find_user_in_files(std::string(config.user), std::string(config.group));
    if (user) {
        user->keeps_net_raw = std::ranges::any_of(config.services, core::is_transparent);
        const auto became = sys::become(*user);
        if (became) return true;
        user = became.error();
    }
    log.line(sys::Level::Error, sys::to_string(user.error()) + "; the connection is closed");
    return false;
}

int serve_connection(const dispatch::Options& options) {
    // Under inetd and xinetd descriptor 2 is the client's socket; under tcpserver it is a log.
    const auto without = dispatch::is_client(STDERR_FILENO) ? sys::WithoutSyslog::Drop
                                                            : sys::WithoutSyslog::UseStderr;
    const auto named = sys::log_descriptor(options.log);
    const bool to_client = named && dispatch::is_client(*named);
    const std::string where = to_client ? sys::kSyslog : options.log;
    auto log = sys::open_log(where, without);
    if (!log) {
        sys::open_log(sys::kSyslog, without)->line(sys::Level::Error, sys::to_string(log.error()));
        return kExitSystem;
    }
    log->report_missing_syslog();
    auto loaded = load_file(options.file, config::Need::Services, PORTSPLIT_LIBEXEC_TO_PATTERNS);
    if (!loaded) {
        log->line(sys::Level::Error, sys::to_string(loaded.error()));
        return kExitConfiguration;
    }
    log_issues(loaded->issues, config::Severity::Error, *log);
    if (!loaded->config) return kExitConfiguration;
    const auto listener = core::find_listener(*loaded->config, options.listener);
    if (!listener) {
        log->line(sys::Level::Error, "--listener " + options.listener + ": " +
                                         config::no_such_listener(*loaded->config));
        return kExitUsage;
    }
    if (!become_user(*loaded->config, *log)) return kExitConfiguration;
    return dispatch::serve_inetd(core::Plan(*loaded->config), core::Entrance{*listener}, *log,
                                 log_to(where));
}

}  // namespace

int main(int argc, char** argv) {
    // The order matters: a descriptor opened later must not become 0, 1 or 2 by chance.
    if (!sys::open_standard_descriptors()) return kExitSystem;
    sys::reset_signals();
    sys::ignore_signal(SIGPIPE);  // write(2) to a client that left fails with EPIPE instead
    sys::ignore_signal(SIGHUP);   // the daemon alone reloads; a terminal's SIGHUP must not end us
    sys::refuse_tracing();        // a compromised dispatcher must not reach another connection

    const dispatch::CommandLine line = dispatch::read_command_line(argc, argv);
    switch (line.serve) {
        case dispatch::Serve::Generation:
            return serve_generation(line.options);
        case dispatch::Serve::Connection:
            return serve_connection(line.options);
        case dispatch::Serve::Nothing:
            break;
    }
    return line.exit_code;
}
