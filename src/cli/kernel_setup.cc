#include "cli/kernel_setup.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <optional>

namespace portsplit::cli {
namespace {

using Json = nlohmann::json;

/// Returns an array; an empty one for a text that is something else.
Json array_in(std::string_view json) {
    Json all = Json::parse(json, nullptr, false);
    return all.is_array() ? all : Json::array();
}

/// Returns a member of an object; null if there is none, or the value is no object.
Json member_of(const Json& value, const char* name) {
    return value.is_object() && value.contains(name) ? value.at(name) : Json();
}

/// Returns the text of a member; empty if there is none.
std::string text_of(const Json& object, const char* name) {
    const Json member = member_of(object, name);
    return member.is_string() ? member.get<std::string>() : "";
}

std::optional<std::uint16_t> port_in(const Json& value) {
    if (!value.is_number_unsigned()) return std::nullopt;
    const auto port = value.get<std::uint64_t>();
    if (port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
    return static_cast<std::uint16_t>(port);
}

/// Returns a rule that leads to the table and names one source.
std::optional<TurningRule> rule_in(const Json& object) {
    if (!object.is_object() || text_of(object, "table") != kTurningTable) return std::nullopt;
    const auto from = core::IpAddress::parse(text_of(object, "src"));
    if (!from || object.contains("srclen")) return std::nullopt;
    TurningRule rule{.from = *from, .asks_for_mark = object.contains("fwmark")};
    if (const auto port = object.find("sport"); port != object.end()) {
        const auto number = port_in(*port);
        if (!number) return std::nullopt;
        rule.source_port = *number;
    }
    return rule;
}

bool fits(const TurningRule& rule, const core::IpAddress& target, std::uint16_t port) {
    return rule.from == target && (rule.source_port == 0 || rule.source_port == port) &&
           rule.asks_for_mark != target.is_loopback();
}

}  // namespace

std::vector<TurningRule> read_rules(std::string_view json) {
    std::vector<TurningRule> rules;
    for (const Json& object : array_in(json)) {
        if (const auto rule = rule_in(object)) rules.push_back(*rule);
    }
    return rules;
}

bool has_turning_route(std::string_view json) {
    const Json routes = array_in(json);
    return std::ranges::any_of(routes, [](const Json& route) {
        return route.is_object() && text_of(route, "type") == "local" &&
               text_of(route, "dst") == "default" && text_of(route, "dev") == "lo";
    });
}

std::set<std::pair<core::IpAddress, std::uint16_t>> read_marked(std::string_view json) {
    std::set<std::pair<core::IpAddress, std::uint16_t>> marked;
    const Json all = Json::parse(json, nullptr, false);
    // {"nftables": [{"set": {"elem": [{"concat": ["192.0.2.1", 22]}, ...]}}, ...]}
    for (const Json& item : member_of(all, "nftables")) {
        for (const Json& element : member_of(member_of(item, "set"), "elem")) {
            const Json pair = member_of(element, "concat");
            if (pair.size() != 2 || !pair[0].is_string()) continue;
            const auto address = core::IpAddress::parse(pair[0].get<std::string>());
            const auto port = port_in(pair[1]);
            if (address && port) marked.emplace(*address, *port);
        }
    }
    return marked;
}

std::vector<std::string> missing_for(const KernelSetup& setup, const core::IpAddress& target,
                                     std::uint16_t port) {
    std::vector<std::string> missing;
    if (!target.is_loopback() && !setup.marked.contains({target, port})) {
        missing.push_back(
            fmt::format("no rule of nftables marks its answers (table inet {})", kMarkingTable));
    }
    const bool has_rule = std::ranges::any_of(
        setup.rules, [&](const TurningRule& rule) { return fits(rule, target, port); });
    if (!has_rule) {
        missing.push_back(
            fmt::format("no rule of policy routing sends its answers through the routing table {}",
                        kTurningTable));
    }
    if (!(target.is_v4() ? setup.has_route_v4 : setup.has_route_v6)) {
        missing.push_back(fmt::format("the routing table {} has no local route for IPv{}",
                                      kTurningTable, target.is_v4() ? 4 : 6));
    }
    return missing;
}

}  // namespace portsplit::cli
