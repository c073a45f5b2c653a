#include <fmt/core.h>
#include <unistd.h>

#include <string>

#include "cli/cases.h"
#include "cli/commands.h"
#include "cli/load.h"
#include "cli/outcome.h"
#include "cli/output.h"
#include "cli/recording_file.h"
#include "cli/terminal.h"
#include "core/plan.h"
#include "exit_codes.h"
#include "sys/file.h"

namespace portsplit::cli {
namespace {

/// Returns true if FILE is a file of cases.
bool is_swapped(const std::string& file) {
    const auto text = sys::read_file(file);
    return text && is_file_of_cases(*text);
}

}  // namespace

int test(const std::string& file, const std::string& cases_file, bool tap) {
    const auto loaded = load_or_complain(file, config::Need::Services);
    if (!loaded) return kExitConfiguration;
    if (!loaded->config && is_swapped(file)) {
        complain(
            fmt::format("{0}: a file of cases, not a configuration; write portsplit test {1} {0}",
                        file, cases_file));
        return kExitConfiguration;
    }
    print_issues(loaded->issues, Print::Errors);
    if (!loaded->config) return kExitConfiguration;
    const auto text = sys::read_file(cases_file);
    if (!text) {
        complain(sys::to_string(text.error()));
        return kExitConfiguration;
    }
    const Cases read = read_cases(*text, cases_file, *loaded->config, bytes_of_recording);
    print_issues(read.issues, Print::All);
    if (read.cases.empty()) return kExitConfiguration;

    const core::Plan plan(*loaded->config);
    const Colour colour = look_of(STDOUT_FILENO).colour;
    std::size_t failed = 0;
    std::string result = tap ? tap_head(read.cases.size()) : "";
    for (std::size_t i = 0; i < read.cases.size(); ++i) {
        const Case& it = read.cases[i];
        const Outcome outcome = outcome_of(plan, it);
        const bool good = is_expected(it, outcome);
        if (!good) ++failed;
        if (tap) {
            result += tap_text(cases_file, i + 1, it, outcome);
        } else if (!good) {
            result += failure_text(cases_file, it, outcome, colour);
        }
    }
    if (!tap) result += summary_text(read.cases.size(), failed, colour);
    const int code = print_result(result);
    return code == 0 && failed > 0 ? kExitUnexpected : code;
}

}  // namespace portsplit::cli
