#include "daemon/options.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <getopt.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "config/arguments.h"
#include "exit_codes.h"

namespace portsplit::daemon {
namespace {

constexpr const char* kHelp =
    "Usage: portsplitd [--log WHERE] [--ready-fd N] [--idle-exit SECONDS] FILE\n"
    "Serve the configuration FILE, in the foreground, until a signal ends it.\n"
    "\n"
    "  --log WHERE           stderr (default), syslog, or the path of a file\n"
    "  --ready-fd N          once it listens, write the addresses to descriptor N\n"
    "  --idle-exit SECONDS   exit after SECONDS without a connection; a service\n"
    "                        manager keeps the sockets and starts it again\n"
    "  -h, --help            print this and exit\n"
    "  -V, --version         print the version and exit\n"
    "\n"
    "Signals: HUP reloads FILE; TERM and INT stop listening and leave connections\n"
    "alone; QUIT also waits for the last of them; USR1 opens the log file anew and\n"
    "logs what is being served; USR2 upgrades to the program that is installed now.\n"
    "See portsplitd(8) and portsplit.conf(5).\n";

CommandLine refuse(std::string_view what) {
    std::fprintf(stderr, "portsplitd: %.*s\nTry portsplitd --help.\n",
                 static_cast<int>(what.size()), what.data());
    return {.options = {}, .serve = false, .exit_code = kExitUsage};
}

/// Reads a whole number from 0 on; none if the text is anything else.
std::optional<int> read_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
    if (error != std::errc() || end != text.end() || number < 0) return std::nullopt;
    return number;
}

/// Reads three descriptors with commas between them; the last may be -1.
std::optional<TakeOver> read_descriptors(std::string_view text) {
    const std::size_t first = text.find(',');
    const std::size_t second = text.find(',', first + 1);
    if (first == text.npos || second == text.npos) return std::nullopt;
    const auto state = read_number(text.substr(0, first));
    const auto configuration = read_number(text.substr(first + 1, second - first - 1));
    const std::string_view last = text.substr(second + 1);
    const auto log = last == "-1" ? std::optional(-1) : read_number(last);
    if (!state || !configuration || !log) return std::nullopt;
    return TakeOver{*state, *configuration, *log};
}

bool is_command(std::string_view word) {
    return word == "upgrade" || word == "check" || word == "convert" || word == "explain" ||
           word == "test";
}

}  // namespace

CommandLine read_command_line(int argc, char** argv) {
    static constexpr option kOptions[] = {{"log", required_argument, nullptr, 'l'},
                                          {"ready-fd", required_argument, nullptr, 'r'},
                                          {"idle-exit", required_argument, nullptr, 'i'},
                                          // Between a daemon and the next version of it.
                                          {"take-over", required_argument, nullptr, 't'},
                                          {"can-take", required_argument, nullptr, 'c'},
                                          {"help", no_argument, nullptr, 'h'},
                                          {"version", no_argument, nullptr, 'V'},
                                          {nullptr, 0, nullptr, 0}};
    CommandLine line;
    if (argc > 0) line.options.name = argv[0];
    opterr = 0;
    for (int found = 0; (found = getopt_long(argc, argv, "hV", kOptions, nullptr)) != -1;) {
        switch (found) {
            case 'l':
                line.options.log = optarg;
                break;
            case 'r':
                line.options.ready_fd = read_number(optarg).value_or(-1);
                if (::fcntl(line.options.ready_fd, F_GETFD) < 0) {
                    return refuse("--ready-fd must be the number of an open descriptor");
                }
                break;
            case 'i':
                line.options.idle_exit = std::chrono::seconds(read_number(optarg).value_or(0));
                if (line.options.idle_exit.count() == 0) {
                    return refuse("--idle-exit must be a whole number of seconds from 1 on");
                }
                break;
            case 't':
                line.options.take_over = read_descriptors(optarg);
                if (!line.options.take_over) {
                    return refuse("--take-over is for portsplitd itself, at an upgrade");
                }
                break;
            case 'c':
                line.can_take = optarg;
                return line;
            case 'h':
                std::fputs(kHelp, stdout);
                return line;
            case 'V':
                std::puts("portsplitd " PORTSPLIT_VERSION);
                return line;
            default:
                return refuse(config::why_wrong_option({argv + 1, argv + argc}, argv[optind - 1],
                                                       "portsplitd"));
        }
    }
    if (const std::string why = config::why_no_log(line.options.log); !why.empty())
        return refuse(why);
    if (optind + 1 != argc) {
        const std::string_view word = optind < argc ? argv[optind] : "";
        if (is_command(word))
            return refuse(fmt::format("{0} is a command of portsplit: portsplit {0} FILE", word));
        return refuse("exactly one configuration file must be given");
    }
    line.options.file = argv[optind];
    line.serve = true;
    return line;
}

std::vector<std::string> arguments_to_take_over(const Options& options,
                                                const TakeOver& descriptors) {
    std::vector<std::string> arguments{
        options.name, "--take-over",
        fmt::format("{},{},{}", descriptors.state, descriptors.text, descriptors.log), "--log",
        options.log};
    if (options.idle_exit.count() > 0) {
        arguments.insert(arguments.end(),
                         {"--idle-exit", std::to_string(options.idle_exit.count())});
    }
    arguments.insert(arguments.end(), {"--", options.file});
    return arguments;
}

}  // namespace portsplit::daemon
