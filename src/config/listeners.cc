#include "config/listeners.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>

#include "config/client_lists.h"
#include "config/key_table.h"
#include "config/overlap.h"
#include "config/section.h"
#include "config/wording.h"
#include "core/entrance.h"

namespace portsplit::config {

void ListenersReader::read() {
    check_timeout(config_.top, origins_.global);
    add_binds(document_.global, config_.top);
    for (const Section& section : document_.listeners) read(section);
    check_has_bind();
}

void ListenersReader::read(const Section& section) {
    core::Listener& listener = config_.listeners.emplace_back(config_.top);
    listener.name = section.name;
    listener.bind.clear();
    const Origin& origin =
        origins_.listeners.emplace_back(read_listener(section, listener, issues_));
    check_timeout(listener, origin);
    add_binds(section, listener);
    for (const core::Text* name : {&listener.fallback, &listener.on_timeout}) {
        if (!name->empty()) last_resorts_.insert(std::string(*name));
    }
    if (listener.name != core::kMain) return;
    // The section has what stands above the services, too.
    core::List<core::Endpoint>& top = config_.top.bind;
    listener.bind.insert(listener.bind.begin(), top.begin(), top.end());
    top.clear();
}

void ListenersReader::check_timeout(const core::Listener& listener, const Origin& origin) {
    if (listener.timeout.count() > 0 || !origin.has("timeout")) return;
    issues_.warning(origin.of("timeout"),
                    "timeout = 0: a client that sends nothing is never closed; write a "
                    "number of seconds such as 3",
                    "no-deadline");
}

/// Keeps the binds of a section, with their lines.
void ListenersReader::add_binds(const Section& section, const core::Listener& listener) {
    auto next = listener.bind.begin();
    for (const Entry& entry : section.entries) {
        if (entry.key != "bind") continue;
        for (const Value& value : entry.values) binds_.push_back({*next++, &value});
    }
}

/// Reports a configuration, or a listener, that has nothing to listen on.
void ListenersReader::check_has_bind() {
    if (need_ != Need::Listeners || document_.global.has_gap) return;
    if (binds_.empty()) {
        issues_.error({}, fmt::format("no bind; write where to listen, such as bind = {}",
                                      quoted("*:443", document_.global)));
        return;
    }
    for (std::size_t i = 0; i < document_.listeners.size(); ++i) {
        const core::Listener& listener = config_.listeners[i];
        if (!listener.bind.empty()) continue;
        issues_.error(
            document_.listeners[i].spot,
            fmt::format("listener {} has no bind; write where it listens, such as bind = {}",
                        shown(listener.name), quoted("*:443", document_.listeners[i])));
    }
}

void ListenersReader::check() {
    for (const core::Service& service : config_.services) services_.insert(service.name);
    SectionNames names("listener", issues_);
    for (std::size_t i = 0; i < config_.listeners.size(); ++i) {
        const core::Listener& listener = config_.listeners[i];
        const Origin& origin = origins_.listeners[i];
        const Section& section = document_.listeners[i];
        names.add(listener.name, origin.spot);
        for (std::size_t s = 0; s < listener.services.size(); ++s) {
            check_named_service(listener.services[s], kServices, origin.of(kServices, s), section);
        }
        check_named_service(listener.fallback, kFallbackKey, origin.of(kFallbackKey), section);
        check_named_service(listener.on_timeout, kOnTimeout, origin.of(kOnTimeout), section);
        check_access(listener, origin);
        if (origin.has(kInterface)) check_interface(listener, origin);
    }
    check_access(config_.top, origins_.global);
    check_interface(config_.top, origins_.global);
    check_binds();
}

/// Reports a prefix that a listener allows and denies.
void ListenersReader::check_access(const core::Listener& listener, const Origin& origin) {
    const Origin& top = origins_.global;
    const Origin& of_allow = origin.has(kAllow) ? origin : top;
    const Origin& of_deny = origin.has(kDeny) ? origin : top;
    // What a listener has from the top is reported there.
    if (&origin != &top && &of_allow == &top && &of_deny == &top) return;
    check_lists({kAllow, listener.allow, of_allow}, {kDeny, listener.deny, of_deny}, issues_);
}

/// Reports what cannot be the name of an interface (netdevice(7)): linux/if.h IFNAMSIZ.
void ListenersReader::check_interface(const core::Listener& listener, const Origin& origin) {
    const std::string_view name = listener.interface;
    if (name.size() <= core::Zone::kLongest && name.find_first_of("/: \t") == name.npos) return;
    issues_.error(origin.of(kInterface),
                  fmt::format("interface = {}: no interface can be called so: a name has 1 to {} "
                              "characters, and no blank, / or :; see: ip link",
                              shown(name), core::Zone::kLongest));
}

/// Reports a name of a service in a listener that no service has.
void ListenersReader::check_named_service(std::string_view name, std::string_view key, Spot spot,
                                          const Section& section) {
    if (name.empty() || document_.global.has_gap || services_.contains(name)) return;
    const auto meant = nearest(name, {services_.begin(), services_.end()});
    issues_.error(
        spot,
        fmt::format("{} = {}: no service has this name; {}", key, quoted(shown(name), section),
                    meant ? fmt::format("did you mean {}?", *meant) : "write the name of one"));
}

void ListenersReader::check_binds() {
    for (auto later = binds_.begin(); later != binds_.end(); ++later) {
        const auto earlier = std::find_if(binds_.begin(), later, [&](const Bind& it) {
            return collide(later->address, it.address);
        });
        if (earlier == later) continue;
        const Spot spot = later->value->spot;
        issues_.error(spot, fmt::format("{}: taken by {} {}; delete one of the two",
                                        as_written("bind", *later->value),
                                        as_written("bind", *earlier->value),
                                        where(earlier->value->spot, spot, issues_.files())));
    }
}

std::string no_such_listener(const core::Config& config) {
    std::vector<std::string_view> known;
    for (const core::Listener* it : core::listeners_of(config)) known.push_back(it->name);
    return fmt::format("the configuration has no such listener; write {}",
                       shown(alternatives(known)));
}

const Value* ListenersReader::reached_by(const core::Endpoint& target) const {
    const auto reached = std::ranges::find_if(
        binds_, [&](const Bind& it) { return leads_back(target, it.address); });
    return reached == binds_.end() ? nullptr : reached->value;
}

}  // namespace portsplit::config
