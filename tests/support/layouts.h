#pragma once
// Layouts for tests, from lines such as `start = 'a' <x> 'b'`.

#include <string>
#include <vector>

#include "core/layout.h"

namespace portsplit::core {

inline LayoutSource layout_of(const std::vector<std::string>& rules) {
    LayoutSource source{"test", {}};
    for (const std::string& rule : rules) {
        const std::size_t sign = rule.find(" = ");
        source.rules.push_back({Text(rule.substr(0, sign)), Text(rule.substr(sign + 3))});
    }
    return source;
}

inline std::string show(const LayoutSource& source) {
    std::string text;
    for (const LayoutRule& rule : source.rules) {
        text += std::string(rule.name) + " = " + std::string(rule.text) + "; ";
    }
    return text;
}

/// Returns `RULE: TEXT (at byte N)` of each problem, a line each.
inline std::string problems_of(const std::vector<LayoutProblem>& problems) {
    std::string text;
    for (const LayoutProblem& problem : problems) {
        text += std::to_string(problem.rule) + ": " + problem.text;
        if (problem.place) text += " (at byte " + std::to_string(*problem.place + 1) + ")";
        text += '\n';
    }
    return text;
}

}  // namespace portsplit::core
