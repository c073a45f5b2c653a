#include "config/load.h"

#include <fmt/core.h>

#include <cstddef>
#include <utility>

#include "config/wording.h"

namespace portsplit::config {
namespace {

/// Lists the names of a model, complete or not, that only the system can judge.
std::vector<Outside> find_outside(const core::Config& config, const Origins& origins) {
    std::vector<Outside> found;
    const auto add = [&](Outside::Kind kind, const std::string& name, Spot spot) {
        if (!name.empty()) found.push_back({kind, name, spot});
    };
    add(Outside::Kind::User, config.user, origins.global.of("user"));
    add(Outside::Kind::Group, config.group, origins.global.of("group"));
    for (std::size_t s = 0; s < config.services.size(); ++s) {
        const auto* exec = std::get_if<core::Exec>(&config.services[s].action);
        if (exec == nullptr) continue;
        add(Outside::Kind::Program, exec->program, origins.services[s].of("exec"));
    }
    return found;
}

std::string why_not_executable(const std::string& program, const Surroundings& surroundings) {
    if (!surroundings.why_not_executable) return {};
    const std::string why = surroundings.why_not_executable(program);
    if (why.empty()) return {};
    // The usual cause of a blank: a whole command line.
    const bool has_blank = program.find(' ') != std::string::npos;
    return fmt::format("exec = {}: {}; name an executable program{}", shown(program), why,
                       has_blank ? " (its arguments go into execarg, one in each)" : "");
}

/// Returns what is wrong with a name; empty if nothing is.
std::string why_missing(const Outside& outside, const Surroundings& surroundings) {
    const std::string& name = outside.name;
    switch (outside.kind) {
        case Outside::Kind::Program:
            return why_not_executable(name, surroundings);
        case Outside::Kind::User:
            if (!surroundings.user_exists || surroundings.user_exists(name)) return {};
            return fmt::format("user = {}: no such user; create it or name another", name);
        case Outside::Kind::Group:
            if (!surroundings.group_exists || surroundings.group_exists(name)) return {};
            return fmt::format("group = {}: no such group; create it or name another", name);
    }
    return {};
}

}  // namespace

Loaded read(std::string_view text, const std::string& file_name, Need need, const Files& files) {
    Loaded loaded;
    Issues issues;
    if (const auto document = read_with_includes(text, file_name, files, issues)) {
        loaded.spelling = document->global.spelling;
        Built built = build(*document, need, issues);
        loaded.origins = std::move(built.origins);
        loaded.outside = find_outside(built.config, loaded.origins);
        if (!issues.has_errors()) loaded.config = std::move(built.config);
    }
    loaded.origins.files = issues.files();
    loaded.issues = issues.sorted();
    return loaded;
}

std::vector<Issue> check_surroundings(const Loaded& loaded, const Surroundings& surroundings) {
    std::vector<Issue> found;
    for (const Outside& outside : loaded.outside) {
        std::string why = why_missing(outside, surroundings);
        if (why.empty()) continue;
        found.push_back(loaded.origins.issue(Severity::Error, outside.spot, std::move(why)));
    }
    sort_by_spot(found);
    return found;
}

}  // namespace portsplit::config
