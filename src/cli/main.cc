// portsplit: the command for administrators. This file has the command lines of all commands and
// nothing else, because CLI11 takes six seconds to compile. Their help is in help.cc.

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/output.h"
#include "exit_codes.h"

namespace {

using namespace portsplit;

// Each struct has the options of one command; `run` executes it and returns the exit code. CLI11
// stores values through the addresses of the members, so a struct is never copied, moved or const.

/// `portsplit FILE`
struct Foreground {
    explicit Foreground(CLI::App& app) {
        app.add_option("FILE", file);
        app.add_option("--log", log);
        app.add_option("--ready-fd", ready_fd);
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
    explicit Check(CLI::App& app) : command(*app.add_subcommand("check")) {
        command.add_option("FILE", file)->required();
        command.add_flag("--inetd", inetd);
        command.add_flag("--system", system);
        command
            .add_option_function<std::string>(
                "--silence", [this](const std::string& word) { silenced.push_back(word); })
            ->trigger_on_parse();
    }

    int run() const {
        const int code = cli::check(file, inetd, silenced);
        return code == 0 && system ? cli::check_system(file) : code;
    }

    CLI::App& command;
    std::string file;
    bool inetd = false;
    bool system = false;
    std::vector<std::string> silenced;
};

/// `portsplit convert FILE`
struct Convert {
    explicit Convert(CLI::App& app) : command(*app.add_subcommand("convert")) {
        command.add_option("FILE", file)->required();
        command.add_option("--to", spelling)->check(CLI::IsMember({"classic", "libconfig"}));
    }

    int run() const { return cli::convert(file, spelling); }

    CLI::App& command;
    std::string file;
    std::string spelling;
};

/// `portsplit explain FILE`
struct Explain {
    explicit Explain(CLI::App& app) : command(*app.add_subcommand("explain")) {
        command.add_option("FILE", file)->required();
        auto* bytes = command.add_option_group("bytes");
        bytes->add_option("--text", options.text);
        bytes->add_option("--hex", options.hex);
        bytes->add_option("--pcap", options.capture);
        bytes->require_option(0, 1);
        command.add_option("--listener", options.listener);
        command.add_option("--source", options.source);
        command.add_flag("--final", options.final);
        command.add_flag("--json", options.json);
    }

    int run() const { return cli::explain(file, options); }

    CLI::App& command;
    std::string file;
    cli::ExplainOptions options;
};

/// `portsplit test FILE CASES`
struct Test {
    explicit Test(CLI::App& app) : command(*app.add_subcommand("test")) {
        command.add_option("FILE", file)->required();
        command.add_option("CASES", cases)->required();
        command.add_flag("--tap", tap);
    }

    int run() const { return cli::test(file, cases, tap); }

    CLI::App& command;
    std::string file;
    std::string cases;
    bool tap = false;
};

/// `portsplit upgrade FILE`
struct Upgrade {
    explicit Upgrade(CLI::App& app) : command(*app.add_subcommand("upgrade")) {
        command.add_option("FILE", file)->required();
    }

    int run() const { return cli::upgrade(file); }

    CLI::App& command;
    std::string file;
};

/// Returns what is known to be wrong with a command line.
std::string advice_on(const CLI::App& app, const std::vector<std::string>& arguments) {
    for (const CLI::App* command : app.get_subcommands()) {
        const std::vector<std::string> extra = command->remaining();
        if (command->get_name() != "explain" || extra.empty()) continue;
        return cli::advice_on_input(command->get_option("FILE")->as<std::string>(), extra.front(),
                                    cli::names_a_file);
    }
    const auto all = app.get_subcommands([](const CLI::App*) { return true; });
    std::vector<std::string> names;
    names.reserve(all.size());
    for (const CLI::App* command : all) names.push_back(command->get_name());
    return cli::advice_on(arguments, {names.begin(), names.end()}, cli::names_a_file);
}

/// Prints help or the version, or what is wrong with the command line.
/// @returns the exit code
int answer(CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& arguments) {
    if (error.get_exit_code() == 0) return app.exit(error);
    const std::string advice = advice_on(app, arguments);
    cli::complain(advice.empty() ? fmt::format("{}; try portsplit --help", error.what()) : advice);
    return kExitUsage;
}

int run(int argc, char** argv) {
    CLI::App app;
    app.name("portsplit");
    app.set_version_flag("-V,--version", "portsplit " PORTSPLIT_VERSION);
    app.set_help_flag("-h,--help");
    // The order matters: a command takes the formatter that the program has when it is added.
    app.formatter_fn([](const CLI::App* command, const std::string&, CLI::AppFormatMode) {
        return cli::help_of(command->get_name());
    });
    Foreground foreground(app);
    Check check(app);
    Convert convert(app);
    Explain explain(app);
    Test test(app);
    Upgrade upgrade(app);

    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return answer(app, error, arguments);
    }
    if (check.command) return check.run();
    if (convert.command) return convert.run();
    if (explain.command) return explain.run();
    if (test.command) return test.run();
    if (upgrade.command) return upgrade.run();
    const std::string advice = advice_on(app, arguments);
    if (!advice.empty()) {
        cli::complain(advice);
        return kExitUsage;
    }
    if (!foreground.file.empty()) return foreground.run();
    if (!arguments.empty()) {
        cli::complain("no FILE; write portsplit [--log WHERE] [--ready-fd N] FILE");
        return kExitUsage;
    }
    std::cerr << app.help();
    return kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::bad_alloc&) {
        cli::complain("cannot allocate memory; free some, or raise its limit (ulimit -v)");
        return kExitSystem;
    } catch (const std::exception& error) {  // CLI11 throws for a bug in the options above
        cli::complain(error.what());
        return kExitSystem;
    }
}
