// portsplit-dispatch: serves connections, as the zygote that portsplitd starts or under a
// super-server.

#include <getopt.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "config/load.h"
#include "config_file.h"
#include "core/plan.h"
#include "dispatch/inetd.h"
#include "dispatch/zygote.h"
#include "exit_codes.h"
#include "handoff.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/process.h"
#include "sys/signals.h"
#include "sys/socket.h"

namespace {

using namespace portsplit;

constexpr const char* kHelp =
    "Usage: portsplit-dispatch --inetd [--log WHERE] FILE\n"
    "Serve the one connection on descriptor 0, as inetd, xinetd or tcpserver pass it.\n"
    "\n"
    "  --log WHERE   syslog (default), stderr, or the path of a file\n"
    "  --help        print this and exit\n"
    "  --version     print the version and exit\n"
    "\n"
    "portsplitd starts this program by itself; see portsplit-dispatch(8).\n";

/// The plan of a configuration that was read; its errors go to the log.
std::optional<core::Plan> plan_from(config::Loaded loaded, sys::Log& log) {
    log_issues(loaded.issues, config::Severity::Error, log);
    if (!loaded.config) return std::nullopt;
    return core::Plan(std::move(*loaded.config));
}

int serve_as_zygote(const std::string& version, const std::string& where, const std::string& file) {
    auto log = sys::open_log(where);
    if (!log) return kExitSystem;
    if (version != std::to_string(handoff::kVersion)) {
        log->line(sys::Level::Error,
                  "portsplitd and portsplit-dispatch are of different versions; "
                  "install both from one build and restart portsplitd");
        return kExitUsage;
    }
    const auto text = sys::read_all(handoff::kConfigurationFd);
    if (!text) {
        log->line(sys::Level::Error, sys::to_string(text.error()));
        return kExitSystem;
    }
    ::close(handoff::kConfigurationFd);
    // What was validated and handed over has nothing left to include.
    const auto plan = plan_from(config::read(*text, file, config::Need::Services), *log);
    return plan ? dispatch::run_zygote(*plan, *log) : kExitConfiguration;
}

int serve_as_inetd(std::string where, const std::string& file) {
    // Under inetd and xinetd descriptor 2 is the client's socket; under tcpserver it is a log.
    if (where == sys::kStderr && sys::is_same_stream(STDIN_FILENO, STDERR_FILENO))
        where = sys::kSyslog;
    auto log = sys::open_log(where);
    if (!log) {
        sys::Log::to_syslog().line(sys::Level::Error, sys::to_string(log.error()));
        return kExitSystem;
    }
    auto loaded = load_file(file, config::Need::Services, PORTSPLIT_LIBEXEC_TO_PATTERNS);
    if (!loaded) {
        log->line(sys::Level::Error, sys::to_string(loaded.error()));
        return kExitConfiguration;
    }
    const auto plan = plan_from(*std::move(loaded), *log);
    return plan ? dispatch::serve_inetd(*plan, *log) : kExitConfiguration;
}

/// Where a person reads it, never where a client might: under inetd, descriptor 2 is the client's
/// socket.
int complain(const char* what) {
    if (!sys::is_same_stream(STDIN_FILENO, STDERR_FILENO)) {
        std::fprintf(stderr, "portsplit-dispatch: %s\n%s", what, kHelp);
    } else {
        sys::Log::to_syslog().line(sys::Level::Error, what);
    }
    return kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
    // First of all: a descriptor opened later must not become 0, 1 or 2 by chance.
    if (!sys::open_standard_descriptors()) return kExitSystem;
    sys::reset_signals();
    sys::ignore_signal(SIGPIPE);  // a client that left is an error of write(2), not of the process
    sys::ignore_signal(SIGHUP);   // a reload is the daemon's business
    sys::refuse_tracing();        // a dispatcher that was taken over must not reach another

    if (argc == 5 && argv[1] == std::string_view(handoff::kZygoteOption)) {
        return serve_as_zygote(argv[2], argv[3], argv[4]);
    }

    static constexpr option kOptions[] = {{"inetd", no_argument, nullptr, 'i'},
                                          {"log", required_argument, nullptr, 'l'},
                                          {"help", no_argument, nullptr, 'h'},
                                          {"version", no_argument, nullptr, 'V'},
                                          {nullptr, 0, nullptr, 0}};
    bool inetd = false;
    std::string log = sys::kSyslog;
    opterr = 0;
    for (int found = 0; (found = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
        switch (found) {
            case 'i':
                inetd = true;
                break;
            case 'l':
                log = optarg;
                break;
            case 'h':
                std::fputs(kHelp, stdout);
                return 0;
            case 'V':
                std::puts("portsplit-dispatch " PORTSPLIT_VERSION);
                return 0;
            default:
                return complain("unknown option, or an option without its value");
        }
    }
    if (!inetd) return complain("--inetd is missing");
    if (optind + 1 != argc) return complain("exactly one configuration file is wanted");
    return serve_as_inetd(log, argv[optind]);
}
