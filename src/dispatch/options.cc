#include "dispatch/options.h"

#include <getopt.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "config/arguments.h"
#include "dispatch/inetd.h"
#include "exit_codes.h"
#include "handoff.h"

namespace portsplit::dispatch {
namespace {

constexpr const char* kHelp =
    "Usage: portsplit-dispatch --inetd [--listener NAME] [--log WHERE] FILE\n"
    "Serve the one connection on descriptor 0, as inetd, xinetd or tcpserver pass it.\n"
    "\n"
    "  --listener NAME the listener that the client came to; main by default\n"
    "  --log WHERE     syslog (default), stderr, or the path of a file\n"
    "  -h, --help      print this and exit\n"
    "  -V, --version   print the version and exit\n"
    "\n"
    "portsplitd starts this program by itself; see portsplit-dispatch(8).\n";

CommandLine refuse(const std::string& what) {
    if (!is_client(STDERR_FILENO)) {
        std::fprintf(stderr, "portsplit-dispatch: %s\n%s", what.c_str(), kHelp);
    } else {
        sys::Log::to_syslog().line(sys::Level::Error, what);
    }
    return {.options = {}, .serve = Serve::Nothing, .exit_code = kExitUsage};
}

}  // namespace

CommandLine read_command_line(int argc, char** argv) {
    if (argc == 5 && argv[1] == std::string_view(handoff::kZygoteOption)) {
        return {.options = {.file = argv[4], .log = argv[3], .version = argv[2]},
                .serve = Serve::Generation};
    }

    static constexpr option kOptions[] = {
        {"inetd", no_argument, nullptr, 'i'},     {"listener", required_argument, nullptr, 'n'},
        {"log", required_argument, nullptr, 'l'}, {"help", no_argument, nullptr, 'h'},
        {"version", no_argument, nullptr, 'V'},   {nullptr, 0, nullptr, 0}};
    CommandLine line;
    bool inetd = false;
    opterr = 0;
    for (int found = 0; (found = getopt_long(argc, argv, "hV", kOptions, nullptr)) != -1;) {
        switch (found) {
            case 'i':
                inetd = true;
                break;
            case 'n':
                line.options.listener = optarg;
                break;
            case 'l':
                line.options.log = optarg;
                break;
            case 'h':
                std::fputs(kHelp, stdout);
                return line;
            case 'V':
                std::puts("portsplit-dispatch " PORTSPLIT_VERSION);
                return line;
            default:
                return refuse(config::why_wrong_option({argv + 1, argv + argc}, argv[optind - 1],
                                                       "portsplit-dispatch --inetd"));
        }
    }
    if (!inetd) return refuse("--inetd is missing");
    if (const std::string why = config::why_no_log(line.options.log); !why.empty())
        return refuse(why);
    if (optind + 1 != argc) return refuse("exactly one configuration file must be given");
    line.options.file = argv[optind];
    line.serve = Serve::Connection;
    return line;
}

}  // namespace portsplit::dispatch
