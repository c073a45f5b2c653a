#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/output.h"
#include "config/warnings.h"
#include "config/load.h"
#include "config_file.h"
#include "exit_codes.h"
#include "sys/file.h"
#include "sys/program.h"
#include "sys/user.h"

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
    for (auto& issue : config::advise(loaded)) issues.push_back(std::move(issue));
    config::sort_by_spot(issues);
    return issues;
}

bool is_silenced(const config::Issue& issue, const std::vector<std::string>& silenced) {
    if (issue.name.empty()) return false;
    const std::string name(issue.name);
    return std::any_of(silenced.begin(), silenced.end(), [&](const std::string& word) {
        return word == name || word == name + ":" + issue.service;
    });
}

/// What is wrong with the words of --silence; empty if nothing is.
std::string why_no_warning(const std::vector<std::string>& silenced) {
    const auto names = config::warning_names();
    for (const std::string& word : silenced) {
        const std::string name = word.substr(0, word.find(':'));
        if (std::find(names.begin(), names.end(), name) != names.end()) continue;
        std::string known;
        for (const std::string_view it : names) {
            known += (known.empty() ? "" : ", ") + std::string(it);
        }
        return fmt::format("--silence {}: no such warning; there are {}", word, known);
    }
    return {};
}

void print_issue(const config::Issue& issue) {
    const std::string name = issue.name.empty() ? "" : " [" + std::string(issue.name) + "]";
    std::fprintf(stderr, "%s%s\n%s", config::to_string(issue).c_str(), name.c_str(),
                 issue.excerpt.c_str());
}

}  // namespace

int check(const std::string& file, bool inetd, const std::vector<std::string>& silenced) {
    if (const std::string why = why_no_warning(silenced); !why.empty()) {
        complain(why);
        return kExitUsage;
    }
    const auto need = inetd ? config::Need::Services : config::Need::Listeners;
    const auto read = load_file(file, need, PORTSPLIT_BIN_TO_PATTERNS);
    if (!read) {
        complain(sys::to_string(read.error()));
        return kExitConfiguration;
    }
    const config::Loaded& loaded = *read;
    std::size_t errors = 0;
    std::size_t warnings = 0;
    for (const config::Issue& issue : all_issues(loaded)) {
        if (is_silenced(issue, silenced)) continue;
        ++(issue.severity == config::Severity::Error ? errors : warnings);
        print_issue(issue);
    }
    const bool good = errors == 0 && loaded.config;
    const int printed =
        print(fmt::format("{}: {} (errors: {}, warnings: {})\n", file,
                          good ? "can be served" : "cannot be served", errors, warnings));
    return good ? printed : kExitConfiguration;
}

}  // namespace portsplit::cli
