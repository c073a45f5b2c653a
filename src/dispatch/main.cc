// portsplit-dispatch: serves connections, as the zygote that portsplitd starts or under a
// super-server.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
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
#include "sys/run_as.h"
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

/// Looks up the users of the configuration. If this process is root, becomes the one that serves, unless a program
/// runs as another.
/// @returns the configuration with numbers; none if that failed, with the reason logged
std::optional<core::Config> with_users(const core::Config& config, sys::Log& log) {
    const auto find = [](const std::string& name, const std::string& group) {
        return sys::find_user_in_files(name, group);
    };
    const auto fail = [&log](const sys::SysError& error) {
        log.line(sys::Level::Error, sys::to_string(error) + "; the connection is closed");
        return std::nullopt;
    };
    auto numbered = sys::with_user_numbers(config, find, find);
    if (!numbered) return fail(numbered.error());
    if (::geteuid() == 0 && !sys::has_own_users(*numbered)) {
        sys::User user = sys::user_of_numbers(numbered->user, numbered->group);
        user.keeps_net_raw = std::ranges::any_of(config.services, core::is_transparent);
        if (const auto became = sys::become(user); !became) return fail(became.error());
    }
    return *std::move(numbered);
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
    auto config = with_users(*loaded->config, *log);
    if (!config) return kExitConfiguration;
    return dispatch::serve_inetd(core::Plan(*std::move(config)), core::Entrance{*listener}, *log,
                                 log_to(where));
}

}  // namespace

int main(int argc, char** argv) {
    // The order matters: a descriptor opened later must not become 0, 1 or 2 by chance.
    if (!sys::open_standard_descriptors()) return kExitSystem;
    // SIGPIPE: write(2) to a client that left fails with EPIPE instead. SIGHUP: the daemon alone reloads; that of a
    // terminal must not end this process.
    sys::reset_signals({SIGPIPE, SIGHUP});
    sys::refuse_tracing();  // a compromised dispatcher must not reach another connection

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
