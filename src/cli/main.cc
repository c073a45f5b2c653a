// portsplit: the command for administrators.

#include <CLI/CLI.hpp>

#include <string>

#include "cli/commands.h"
#include "cli/output.h"
#include "exit_codes.h"

namespace {

using namespace portsplit;

int run(int argc, char** argv) {
    CLI::App app("Several services behind one TCP port, told apart by their first bytes.");
    app.name("portsplit");
    app.set_version_flag("--version", "portsplit " PORTSPLIT_VERSION);
    app.set_help_flag("--help", "Print this and exit");
    app.footer("See portsplit(1) and portsplit.conf(5).");

    std::string file;
    std::string log;
    std::string ready_fd;
    app.add_option("FILE", file, "Serve this configuration, in the foreground");
    app.add_option("--log", log, "With FILE: stderr (default), syslog, or the path of a file");
    app.add_option("--ready-fd", ready_fd, "With FILE: tell on this descriptor when it listens");

    std::string checked;
    bool inetd = false;
    std::vector<std::string> silenced;
    CLI::App* check = app.add_subcommand("check", "Print every problem of a configuration");
    check->add_option("FILE", checked, "The configuration")->required();
    check->add_flag("--inetd", inetd, "It is for a super-server: no bind is needed");
    check
        ->add_option_function<std::string>(
            "--silence", [&](const std::string& word) { silenced.push_back(word); },
            "A warning not to print: NAME, or NAME:SERVICE; may be repeated")
        ->trigger_on_parse();

    std::string converted;
    std::string spelling;
    CLI::App* convert = app.add_subcommand(
        "convert", "Print a configuration, includes in place, in another spelling");
    convert->add_option("FILE", converted, "The configuration")->required();
    convert->add_option("--to", spelling, "The spelling; by default the one it is not in")
        ->check(CLI::IsMember({"classic", "libconfig"}));

    std::string explained;
    cli::Explained what;
    CLI::App* explain = app.add_subcommand(
        "explain", "Print which service takes a connection with these first bytes, and why");
    explain->add_option("FILE", explained, "The configuration")->required();
    auto* bytes = explain->add_option_group("bytes", "Standard input, unless one of these says");
    bytes->add_option("--text", what.text, "The bytes as text; \\XX is a byte in hex");
    bytes->add_option("--hex", what.hex, "The bytes in hex");
    bytes->add_option("--pcap", what.capture, "All TCP streams of a capture, a line for each");
    bytes->require_option(0, 1);
    explain->add_flag("--final", what.final, "Judge as at the deadline: no more will come");
    explain->add_flag("--json", what.json, "One JSON object a line, for programs");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kExitUsage;
    }
    if (*check) return cli::check(checked, inetd, silenced);
    if (*convert) return cli::convert(converted, spelling);
    if (*explain) return cli::explain(explained, what);
    if (file.empty()) {
        std::cerr << app.help();
        return kExitUsage;
    }
    std::vector<std::string> arguments;
    if (!log.empty()) arguments.insert(arguments.end(), {"--log", log});
    if (!ready_fd.empty()) arguments.insert(arguments.end(), {"--ready-fd", ready_fd});
    arguments.push_back(file);
    return cli::run_in_foreground(arguments);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {  // CLI11 throws what would be a bug of ours
        cli::complain(error.what());
        return kExitSystem;
    }
}
