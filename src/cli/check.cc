#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "config/load.h"
#include "handoff.h"
#include "sys/account.h"
#include "sys/file.h"

namespace portsplit::cli {
namespace {

/// Everything there is to say about a file.
std::vector<config::Issue> all_issues(const config::Loaded& loaded) {
    const config::Surroundings surroundings{.why_not_executable = sys::why_not_executable,
                                            .user_exists = sys::user_exists,
                                            .group_exists = sys::group_exists};
    std::vector<config::Issue> issues = loaded.issues;
    for (auto& issue : config::check_surroundings(loaded, surroundings)) {
        issues.push_back(std::move(issue));
    }
    for (auto& issue : config::lint_last_resorts(loaded)) issues.push_back(std::move(issue));
    std::stable_sort(
        issues.begin(), issues.end(),
        [](const config::Issue& a, const config::Issue& b) { return a.line < b.line; });
    return issues;
}

}  // namespace

int check(const std::string& file, bool inetd) {
    const auto text = sys::read_file(file);
    if (!text) {
        std::fprintf(stderr, "portsplit: %s\n", sys::to_string(text.error()).c_str());
        return handoff::kExitConfiguration;
    }
    const auto need = inetd ? config::Need::Services : config::Need::Listeners;
    const config::Loaded loaded = config::read(*text, file, need);
    std::size_t errors = 0;
    std::size_t warnings = 0;
    for (const config::Issue& issue : all_issues(loaded)) {
        ++(issue.severity == config::Severity::Error ? errors : warnings);
        std::fprintf(stderr, "%s\n%s", config::to_string(issue).c_str(), issue.excerpt.c_str());
    }
    const bool good = errors == 0 && loaded.config;
    std::printf("%s: %s (errors: %zu, warnings: %zu)\n", file.c_str(),
                good ? "can be served" : "cannot be served", errors, warnings);
    return good ? 0 : handoff::kExitConfiguration;
}

}  // namespace portsplit::cli
