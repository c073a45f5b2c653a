#include "cli/silence.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/warnings.h"

namespace portsplit::cli {

core::Result<Silence, std::string> Silence::from(std::vector<std::string> words) {
    const auto names = config::warning_names();
    for (const std::string& word : words) {
        const std::string name = word.substr(0, word.find(':'));
        if (std::find(names.begin(), names.end(), name) != names.end()) continue;
        return fmt::format("--silence {}: no such warning; there are {}", word,
                           fmt::join(names, ", "));
    }
    return Silence(std::move(words));
}

bool Silence::covers(const config::Issue& issue) const {
    if (issue.name.empty()) return false;
    const std::string name(issue.name);
    return std::any_of(words_.begin(), words_.end(), [&](const std::string& word) {
        return word == name || word == fmt::format("{}:{}", name, issue.service);
    });
}

}  // namespace portsplit::cli
