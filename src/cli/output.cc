#include "cli/output.h"

#include <fmt/core.h>
#include <unistd.h>

#include <string>

#include "cli/issue_text.h"
#include "cli/terminal.h"
#include "exit_codes.h"
#include "sys/file.h"

namespace portsplit::cli {
namespace {

/// Writes with write(2): fmt::print throws when standard error is closed.
void print_to_stderr(std::string_view text) {
    static_cast<void>(sys::write_all(STDERR_FILENO, text));
}

}  // namespace

int print_result(std::string_view text) {
    // write(2), not stdio: fclose(3) can report a failed write without its errno.
    const auto written = sys::write_all(STDOUT_FILENO, text);
    if (written) return 0;
    complain(sys::to_string({written.error().code, "cannot write standard output"}));
    return kExitSystem;
}

void complain(std::string_view message) {
    print_to_stderr(fmt::format("portsplit: {}\n", message));
}

void complain_about(std::string_view file, std::string_view message) {
    print_to_stderr(fmt::format("{}: {}\n", file, message));
}

void print_issues(const std::vector<config::Issue>& issues, Print print) {
    const Look look = look_of(STDERR_FILENO);
    for (const config::Issue& issue : issues) {
        if (print == Print::Errors && issue.severity != config::Severity::Error) continue;
        print_to_stderr(issue_text(issue, print == Print::AllWithNames, look));
    }
}

}  // namespace portsplit::cli
