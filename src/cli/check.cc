#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/output.h"
#include "cli/silence.h"
#include "cli/terminal.h"
#include "config/rights.h"
#include "config/trust.h"
#include "config/warnings.h"
#include "exit_codes.h"
#include "sys/file.h"
#include "sys/program.h"
#include "sys/resource_limits.h"
#include "sys/user.h"

namespace portsplit::cli {
namespace {

std::string program_writable_by_all(const std::string& program) {
    return sys::writable_by_all(sys::find_program(program));
}

/// Returns all errors and warnings of a file: of its text, of this machine (programs, users), and
/// of what its patterns mean together.
std::vector<config::Issue> all_issues(const config::Loaded& loaded) {
    const config::Surroundings surroundings{.why_not_executable = sys::why_not_executable,
                                            .why_no_folder = sys::why_no_folder,
                                            .user_exists = sys::user_exists,
                                            .group_exists = sys::group_exists,
                                            .why_not_become = sys::why_not_become,
                                            .why_no_limit = sys::why_no_limit,
                                            .why_no_nice = sys::why_no_nice,
                                            .writable_by_all = sys::writable_by_all,
                                            .program_writable_by_all = program_writable_by_all,
                                            .is_script = sys::is_script};
    std::vector<config::Issue> issues = loaded.issues;
    for (auto& issue : config::check_surroundings(loaded, surroundings)) {
        issues.push_back(std::move(issue));
    }
    for (auto& issue : config::check_rights(loaded, surroundings)) {
        issues.push_back(std::move(issue));
    }
    for (auto& issue : config::check_trust(loaded, surroundings)) {
        issues.push_back(std::move(issue));
    }
    for (auto& issue : config::advise(loaded)) issues.push_back(std::move(issue));
    config::sort_by_spot(issues);
    return issues;
}

}  // namespace

int check(const std::string& file, bool inetd, const std::vector<std::string>& silenced) {
    const auto silence = Silence::from(silenced);
    if (!silence) {
        complain(silence.error());
        return kExitUsage;
    }
    const auto need = inetd ? config::Need::Services : config::Need::Listeners;
    const auto loaded = load_or_complain(file, need);
    if (!loaded) return kExitConfiguration;

    std::vector<config::Issue> issues = all_issues(*loaded);
    std::erase_if(issues, [&](const config::Issue& issue) { return silence->covers(issue); });
    print_issues(issues, Print::AllWithNames);
    const auto count = [&](config::Severity severity) {
        return std::ranges::count(issues, severity, &config::Issue::severity);
    };
    const auto errors = count(config::Severity::Error);
    const bool good = errors == 0 && loaded->config;
    const std::string verdict =
        painted(good ? "can be served" : "cannot be served", good ? kBoldGreen : kBoldRed,
                look_of(STDOUT_FILENO).colour);
    const int code = print_result(fmt::format("{}: {} (errors: {}, warnings: {})\n", file, verdict,
                                              errors, count(config::Severity::Warning)));
    return good ? code : kExitConfiguration;
}

}  // namespace portsplit::cli
