#pragma once
// Short ways to write a configuration, for tests that need only names, patterns and their order.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/model.h"
#include "support/naive.h"

namespace portsplit::core {

struct Named {
    std::string name;
    std::vector<std::string> prefixes;
};

inline Config config_of(const std::vector<Named>& services) {
    Config config;
    for (const Named& named : services) {
        Service service;
        service.name = named.name;
        for (const std::string& prefix : named.prefixes) {
            service.patterns.push_back({PatternKind::String, Text(prefix)});
        }
        config.services.push_back(std::move(service));
    }
    return config;
}

inline PatternSource string(std::string_view text) { return {PatternKind::String, Text(text)}; }
inline PatternSource hex(std::string_view text) { return {PatternKind::Hex, Text(text)}; }
inline PatternSource regex(std::string_view text) { return {PatternKind::Regex, Text(text)}; }

/// Services named s0, s1, s2..., each with its patterns.
inline Config services_of(const std::vector<std::vector<PatternSource>>& patterns) {
    Config config;
    for (const auto& of_service : patterns) {
        Service& service = config.services.emplace_back();
        service.name = "s" + std::to_string(config.services.size() - 1);
        service.patterns.assign(of_service.begin(), of_service.end());
    }
    return config;
}

/// Which last resorts a configuration has.
enum class Has { Neither, Fallback, Timeout, Both };

/// Services named 0, 1, 2..., then the last resorts.
inline Config with_last_resorts(const std::vector<naive::Prefixes>& services, Has has = Has::Both) {
    std::vector<Named> named;
    for (std::size_t i = 0; i < services.size(); ++i) {
        named.push_back({std::to_string(i), services[i]});
    }
    if (has == Has::Fallback || has == Has::Both) named.push_back({kFallback, {}});
    if (has == Has::Timeout || has == Has::Both) named.push_back({kTimeout, {}});
    return config_of(named);
}

/// Returns the services and their prefixes as text for a message.
inline std::string show(const std::vector<naive::Prefixes>& services) {
    std::string text;
    for (const naive::Prefixes& prefixes : services) {
        text += "[";
        for (const std::string& prefix : prefixes) text += " " + prefix;
        text += " ] ";
    }
    return text;
}

}  // namespace portsplit::core
