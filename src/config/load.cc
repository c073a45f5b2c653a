#include "config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "config/classic_reader.h"
#include "config/libconfig_reader.h"
#include "config/shadows.h"
#include "config/source.h"
#include "config/wording.h"

namespace portsplit::config {
namespace {

std::optional<Document> read_document(std::string_view text, Spelling spelling, Issues& issues) {
    if (spelling == Spelling::Classic) return read_classic(text, issues);
    return read_libconfig(text, issues);
}

std::string problem_of(const core::Exec& exec, std::string_view why) {
    // The classic mistake: a whole command line.
    const bool has_blank = exec.program.find(' ') != std::string::npos;
    return fmt::format("exec = {}: {}; name an executable program{}", shown(exec.program), why,
                       has_blank ? " (its arguments go into execarg, one in each)" : "");
}

bool has_service(const core::Config& config, std::string_view name) {
    return std::any_of(config.services.begin(), config.services.end(),
                       [&](const core::Service& service) { return service.name == name; });
}

}  // namespace

Loaded read(std::string_view text, const std::string& file_name, Need need) {
    Loaded loaded;
    Issues issues(file_name, text);
    loaded.origins.file = file_name;
    if (const std::optional<std::string> cleaned = clean(text, issues)) {
        loaded.spelling = detect_spelling(*cleaned);
        if (const auto document = read_document(*cleaned, loaded.spelling, issues)) {
            Built built = build(*document, need, issues);
            loaded.origins = std::move(built.origins);
            loaded.draft = built.config;
            if (!issues.has_errors()) {
                warn_of_shadows(built.config, loaded.origins, issues);
                loaded.config = std::move(built.config);
            }
        }
    }
    loaded.issues = issues.sorted();
    return loaded;
}

std::vector<Issue> check_surroundings(const Loaded& loaded, const Surroundings& surroundings) {
    std::vector<Issue> found;
    const core::Config& config = loaded.draft;
    const Origins& origins = loaded.origins;
    const auto add = [&](int line, std::string text) {
        found.push_back({Severity::Error, origins.file, line, std::move(text)});
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
    std::stable_sort(found.begin(), found.end(),
                     [](const Issue& a, const Issue& b) { return a.line < b.line; });
    return found;
}

std::vector<Issue> lint_last_resorts(const Loaded& loaded) {
    std::vector<Issue> advice;
    if (!loaded.config) return advice;
    const core::Config& config = *loaded.config;
    const auto add = [&](const char* text) {
        advice.push_back({Severity::Warning, loaded.origins.file, 1, text});
    };
    if (!has_service(config, core::kFallback)) {
        add("no [fallback]: bytes that fit no service end in a reset, which a prober can see; give "
            "it the action of the server that the port should look like");
    }
    if (!has_service(config, core::kTimeout) && config.timeout.count() > 0) {
        add("no [timeout]: a client that sends too little is cut off at the deadline, which a "
            "prober can see; give it the action of the server that the port should look like");
    }
    return advice;
}

}  // namespace portsplit::config
