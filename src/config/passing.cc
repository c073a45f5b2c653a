#include "config/passing.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "config/key_table.h"
#include "config/wording.h"
#include "core/passed_fields.h"

namespace portsplit::config {
namespace {

constexpr std::string_view kTwice = "twice";

bool is_word(std::string_view text) {
    return std::ranges::find(core::kLogWords, text) != core::kLogWords.end();
}

/// Returns the name of the variable that a value of `env` sets.
std::string_view variable_of(std::string_view entry) {
    if (const auto passed = core::split_field_variable(entry)) return passed->first;
    return entry.substr(0, entry.find('='));
}

}  // namespace

void check_log(const core::List<core::Text>& log, const Origin& origin, const std::string& service,
               Issues& issues) {
    std::optional<std::size_t> first_word;
    std::map<std::string_view, std::size_t> firsts;
    for (std::size_t i = 0; i < log.size(); ++i) {
        if (log[i].empty()) continue;  // reported where it was read
        const Spot spot = origin.of(kLog, i);
        const auto line_of = [&](std::size_t other) {
            return where(origin.of(kLog, other), spot, issues.files());
        };
        if (const auto [first, is_new] = firsts.try_emplace(log[i], i); !is_new) {
            issues.warning(spot,
                           fmt::format("log = {}: there already {}; delete one of the two",
                                       shown(log[i]), line_of(first->second)),
                           kTwice, service);
        }
        if (!is_word(log[i])) continue;
        if (first_word && log[i] != log[*first_word]) {
            issues.error(spot, fmt::format("log = {}: {} {}; keep one of the two", log[i],
                                           log[*first_word], line_of(*first_word)));
        }
        if (!first_word) first_word = i;
    }
}

void check_env(const core::List<core::Text>& env, const Origin& origin, const std::string& service,
               Issues& issues) {
    const auto is_text = [&](std::size_t i) { return !core::split_field_variable(env[i]); };
    std::map<std::string_view, std::size_t> takers;
    for (std::size_t i = 0; i < env.size(); ++i) {
        const auto [taker, is_new] = takers.try_emplace(variable_of(env[i]), i);
        if (!is_new && (is_text(i) || !is_text(taker->second))) taker->second = i;
    }
    for (std::size_t i = 0; i < env.size(); ++i) {
        const std::string_view variable = variable_of(env[i]);
        const std::size_t taker = takers.at(variable);
        if (variable.empty() || taker == i) continue;
        const Spot spot = origin.of(kEnv, i);
        issues.warning(
            spot,
            fmt::format("env = {}: never there: env = {} {} sets {}, too{}; delete one "
                        "of the two",
                        shown(env[i]), shown(env[taker]),
                        where(origin.of(kEnv, taker), spot, issues.files()), shown(variable),
                        is_text(taker) && !is_text(i) ? ", and a text comes before a field"
                        : taker > i                   ? ", and the last one counts"
                                                      : ""),
            kTwice, service);
    }
}

namespace {

void check_transparent(const core::Connect& connect, const Origin& origin, Issues& issues) {
    const auto found = std::ranges::find_if(connect.targets, &core::Endpoint::is_unix);
    if (!connect.transparent || found == connect.targets.end()) return;
    const auto index = static_cast<std::size_t>(found - connect.targets.begin());
    issues.error(
        origin.of("connect", index),
        fmt::format("connect = {}: a Unix-domain socket sees no address, so it goes with no "
                    "transparent = yes; delete one of the two",
                    shown(core::to_string(*found))));
}

}  // namespace

void check_proxy(const core::Connect& connect, const Origin& origin, const std::string& service,
                 Issues& issues) {
    check_transparent(connect, origin, issues);
    if (connect.proxy_tlv.empty()) return;
    if (connect.proxy != core::ProxyHeader::V2) {
        issues.error(
            origin.of(kProxyTlv),
            fmt::format("{}: only a header of version 2 has it; write proxy = v2 in service "
                        "{}, or delete it",
                        kProxyTlv, shown(service)));
    }
    std::map<std::uint8_t, std::size_t> firsts;
    for (std::size_t i = 0; i < connect.proxy_tlv.size(); ++i) {
        const auto tlv = core::split_tlv(connect.proxy_tlv[i]);
        if (!tlv) continue;  // reported where it was read
        const auto [first, is_new] = firsts.try_emplace(tlv->type, i);
        if (is_new) continue;
        const Spot spot = origin.of(kProxyTlv, i);
        issues.error(
            spot,
            fmt::format("{} = {}: it has the same type as {} {}; keep one of the two", kProxyTlv,
                        shown(connect.proxy_tlv[i]), shown(connect.proxy_tlv[first->second]),
                        where(origin.of(kProxyTlv, first->second), spot, issues.files())));
    }
}

}  // namespace portsplit::config
