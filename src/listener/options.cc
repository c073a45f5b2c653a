#include "listener/options.h"

#include <fcntl.h>
#include <getopt.h>

#include <charconv>
#include <cstdio>
#include <string_view>

#include "handoff.h"

namespace portsplit::listener {
namespace {

constexpr const char* kHelp =
    "Usage: portsplitd [--log WHERE] [--ready-fd N] FILE\n"
    "Serve the configuration FILE, in the foreground, until a signal ends it.\n"
    "\n"
    "  --log WHERE     stderr (default), syslog, or the path of a file\n"
    "  --ready-fd N    once it listens, write a line with the addresses to descriptor N\n"
    "  --help          print this and exit\n"
    "  --version       print the version and exit\n"
    "\n"
    "Signals: HUP reloads FILE; TERM and INT stop listening and leave connections alone;\n"
    "QUIT also waits for the last of them; USR1 logs what is being served.\n"
    "See portsplitd(8) and portsplit.conf(5).\n";

CommandLine refuse(std::string_view what) {
    std::fprintf(stderr, "portsplitd: %.*s\nTry portsplitd --help.\n",
                 static_cast<int>(what.size()), what.data());
    return {.options = {}, .serve = false, .exit_code = handoff::kExitUsage};
}

bool read_open_descriptor(std::string_view text, int& fd) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fd);
    return error == std::errc() && end == text.data() + text.size() && fd >= 0 &&
           ::fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

CommandLine read_command_line(int argc, char** argv) {
    static constexpr option kOptions[] = {{"log", required_argument, nullptr, 'l'},
                                          {"ready-fd", required_argument, nullptr, 'r'},
                                          {"help", no_argument, nullptr, 'h'},
                                          {"version", no_argument, nullptr, 'V'},
                                          {nullptr, 0, nullptr, 0}};
    CommandLine line;
    opterr = 0;
    for (int found = 0; (found = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
        switch (found) {
            case 'l':
                line.options.log = optarg;
                break;
            case 'r':
                if (!read_open_descriptor(optarg, line.options.ready_fd)) {
                    return refuse("--ready-fd wants the number of an open descriptor");
                }
                break;
            case 'h':
                std::fputs(kHelp, stdout);
                return line;
            case 'V':
                std::puts("portsplitd " PORTSPLIT_VERSION);
                return line;
            default:
                return refuse("unknown option, or an option without its value: " +
                              std::string(argv[optind - 1]));
        }
    }
    if (optind + 1 != argc) return refuse("exactly one configuration file is wanted");
    line.options.file = argv[optind];
    line.serve = true;
    return line;
}

}  // namespace portsplit::listener
