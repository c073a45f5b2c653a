// portsplit: the command for administrators. This file has the command lines of all commands and
// nothing else, because CLI11 takes six seconds to compile.

#include <CLI/CLI.hpp>

#include <iostream>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/output.h"
#include "exit_codes.h"

namespace {

using namespace portsplit;

// Each struct has the options of one command; `run` executes it and returns the exit code. CLI11
// stores values through the addresses of the members, so a struct is never copied, moved or const.

/// `portsplit FILE`
struct Foreground {
    explicit Foreground(CLI::App& app) {
        app.add_option("FILE", file, "Serve this configuration, in the foreground");
        app.add_option("--log", log, "With FILE: stderr (default), syslog, or the path of a file");
        app.add_option("--ready-fd", ready_fd,
                       "With FILE: once it listens, write the addresses to this descriptor");
    }

    int run() const {
        std::vector<std::string> arguments;
        if (!log.empty()) arguments.insert(arguments.end(), {"--log", log});
        if (!ready_fd.empty()) arguments.insert(arguments.end(), {"--ready-fd", ready_fd});
        arguments.push_back(file);
        return cli::run_in_foreground(arguments);
    }

    std::string file;
    std::string log;
    std::string ready_fd;
};

/// `portsplit check FILE`
struct Check {
    explicit Check(CLI::App& app)
        : command(*app.add_subcommand("check", "Print every problem of a configuration")) {
        command.add_option("FILE", file, "The configuration")->required();
        command.add_flag("--inetd", inetd, "It is for a super-server: no bind is needed");
        command
            .add_option_function<std::string>(
                "--silence", [this](const std::string& word) { silenced.push_back(word); },
                "A warning not to print: NAME, or NAME:SERVICE; may be repeated")
            ->trigger_on_parse();
    }

    int run() const { return cli::check(file, inetd, silenced); }

    CLI::App& command;
    std::string file;
    bool inetd = false;
    std::vector<std::string> silenced;
};

/// `portsplit convert FILE`
struct Convert {
    explicit Convert(CLI::App& app)
        : command(*app.add_subcommand(
              "convert", "Print a configuration, includes in place, in another spelling")) {
        command.add_option("FILE", file, "The configuration")->required();
        command.add_option("--to", spelling, "The spelling; by default the one it is not in")
            ->check(CLI::IsMember({"classic", "libconfig"}));
    }

    int run() const { return cli::convert(file, spelling); }

    CLI::App& command;
    std::string file;
    std::string spelling;
};

/// `portsplit explain FILE`
struct Explain {
    explicit Explain(CLI::App& app)
        : command(*app.add_subcommand(
              "explain",
              "Print which service takes a connection with these first bytes, and why")) {
        command.add_option("FILE", file, "The configuration")->required();
        auto* bytes = command.add_option_group(
            "bytes", "The bytes; standard input if none of these is given");
        bytes->add_option("--text", options.text, "The bytes as text; \\XX is a byte in hex");
        bytes->add_option("--hex", options.hex, "The bytes in hex");
        bytes->add_option("--pcap", options.capture,
                          "All TCP streams of a capture, a line for each");
        bytes->require_option(0, 1);
        command.add_flag("--final", options.final,
                         "Decide as at the deadline, when no more bytes are waited for");
        command.add_flag("--json", options.json, "One JSON object a line, for programs");
    }

    int run() const { return cli::explain(file, options); }

    CLI::App& command;
    std::string file;
    cli::ExplainOptions options;
};

int run(int argc, char** argv) {
    CLI::App app("Several services behind one TCP port, told apart by their first bytes.");
    app.name("portsplit");
    app.set_version_flag("--version", "portsplit " PORTSPLIT_VERSION);
    app.set_help_flag("--help", "Print this and exit");
    app.footer("See portsplit(1) and portsplit.conf(5).");
    Foreground foreground(app);
    Check check(app);
    Convert convert(app);
    Explain explain(app);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kExitUsage;
    }
    if (check.command) return check.run();
    if (convert.command) return convert.run();
    if (explain.command) return explain.run();
    if (!foreground.file.empty()) return foreground.run();
    std::cerr << app.help();
    return kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {  // CLI11 throws for a bug in the options above
        cli::complain(error.what());
        return kExitSystem;
    }
}
