#pragma once
// The issues of a text as lines, for comparison. The file is always called `f`.

#include <string>
#include <string_view>
#include <vector>

#include "config/key_table.h"
#include "config/load.h"
#include "config/wording.h"

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

/// Returns the names of the keys that may stand in a section, as a message lists them.
inline std::string names_of_keys(Place section) {
    std::vector<std::string_view> names;
    for (const Key& key : keys()) {
        if (stands_in(key, section)) names.push_back(key.name);
    }
    return alternatives(names) +
           (section == Place::Service ? ", and LAYOUT.FIELD, such as tls.sni" : "");
}

/// Returns a classic file with these global lines and one service, valid but for the lines.
inline std::string with_service(std::string_view global_lines) {
    return std::string(global_lines) + "[fallback]\nconnect = backend:1\n";
}

/// Returns a classic file whose lines from the third on are those of a service `s`.
inline std::string service_of(std::string_view lines) {
    return "bind = *:443\n[s]\n" + std::string(lines);
}

/// Returns a libconfig file whose lines from the second on are the settings of a service `s`.
inline std::string libconfig_service_of(std::string_view settings) {
    return "bind = \"*:443\"; services : { s : {\n" + std::string(settings) + "}; };";
}

}  // namespace portsplit::config
