#pragma once
// What the reader says of a text, as an administrator would see it. The file is always called `f`.

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace portsplit::config {

inline std::vector<std::string> texts_of(const std::vector<Issue>& issues) {
    std::vector<std::string> texts;
    texts.reserve(issues.size());
    for (const Issue& issue : issues) texts.push_back(to_string(issue));
    return texts;
}

inline std::vector<std::string> issues_of(std::string_view text, Need need = Need::Listeners) {
    return texts_of(read(text, "f", need).issues);
}

/// The lines of a classic file above its sections, and a service, so that nothing else is wrong.
inline std::string with_service(std::string_view global_lines) {
    return std::string(global_lines) + "[fallback]\nconnect = backend:1\n";
}

/// A classic file whose lines from the third on are those of a service `s`.
inline std::string service_of(std::string_view lines) {
    return "bind = *:443\n[s]\n" + std::string(lines);
}

/// Likewise in libconfig, from the second line on.
inline std::string libconfig_service_of(std::string_view settings) {
    return "bind = \"*:443\"; services : { s : {\n" + std::string(settings) + "}; };";
}

}  // namespace portsplit::config
