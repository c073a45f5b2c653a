#include "config/load.h"

#include <fmt/core.h>

#include <cstddef>
#include <utility>

#include "config/wording.h"

namespace portsplit::config {
namespace {

std::string problem_of(const core::Exec& exec, std::string_view why) {
    // The classic mistake: a whole command line.
    const bool has_blank = exec.program.find(' ') != std::string::npos;
    return fmt::format("exec = {}: {}; name an executable program{}", shown(exec.program), why,
                       has_blank ? " (its arguments go into execarg, one in each)" : "");
}

}  // namespace

Loaded read(std::string_view text, const std::string& file_name, Need need, const Files& files) {
    Loaded loaded;
    Issues issues;
    if (const auto document = read_with_includes(text, file_name, files, issues)) {
        loaded.spelling = document->global.spelling;
        Built built = build(*document, need, issues);
        loaded.origins = std::move(built.origins);
        loaded.draft = built.config;
        if (!issues.has_errors()) {
            loaded.config = std::move(built.config);
        }
    }
    loaded.origins.files = issues.files();
    loaded.issues = issues.sorted();
    return loaded;
}

std::vector<Issue> check_surroundings(const Loaded& loaded, const Surroundings& surroundings) {
    std::vector<Issue> found;
    const core::Config& config = loaded.draft;
    const Origins& origins = loaded.origins;
    const auto add = [&](Spot spot, std::string text) {
        const std::string& file = origins.files[static_cast<std::size_t>(spot.file)];
        found.push_back({.spot = spot, .file = file, .text = std::move(text)});
    };
    if (surroundings.user_exists && !config.user.empty() &&
        !surroundings.user_exists(config.user)) {
        add(origins.global.of("user"),
            fmt::format("user = {}: no such user; create it or name another", config.user));
    }
    if (surroundings.group_exists && !config.group.empty() &&
        !surroundings.group_exists(config.group)) {
        add(origins.global.of("group"),
            fmt::format("group = {}: no such group; create it or name another", config.group));
    }
    for (std::size_t s = 0; s < config.services.size(); ++s) {
        const auto* exec = std::get_if<core::Exec>(&config.services[s].action);
        if (exec == nullptr || exec->program.empty() || !surroundings.why_not_executable) continue;
        const std::string why = surroundings.why_not_executable(exec->program);
        if (!why.empty()) add(origins.services[s].of("exec"), problem_of(*exec, why));
    }
    sort_by_spot(found);
    return found;
}

}  // namespace portsplit::config
