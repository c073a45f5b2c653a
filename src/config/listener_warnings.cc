#include "config/listener_warnings.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "core/entrance.h"

namespace portsplit::config {
namespace {

/// The lists of a service: for whom it is.
struct Lists {
    const core::List<core::Prefix>* from;
    const core::List<core::Prefix>* not_from;

    bool are_of(const core::Service& service) const {
        return service.from == *from && service.not_from == *not_from;
    }
};

/// How many different lists are looked at, for each of which all services are checked.
constexpr std::size_t kMostLists = 10;

bool is_for_all(const core::Service& service) {
    return service.from.empty() && service.not_from.empty();
}

/// Returns the different lists of services.
std::vector<Lists> lists_of(const core::Config& config) {
    std::vector<Lists> lists;
    for (const core::Service& service : config.services) {
        if (is_for_all(service) || lists.size() == kMostLists) continue;
        const bool is_known =
            std::ranges::any_of(lists, [&](const Lists& it) { return it.are_of(service); });
        if (!is_known) lists.push_back({&service.from, &service.not_from});
    }
    return lists;
}

/// A configuration as some clients find it: those of one listener, in the lists of some services or in none.
struct View {
    const core::Listener* listener;
    bool is_of_lists;  ///< then warnings about the whole file are those of another view
    core::Config config;
    Origins origins;
    std::vector<Issue> issues{};
};

/// Returns the listeners that have clients: `main` only with an address or a section.
std::vector<const core::Listener*> used_listeners(const core::Config& config) {
    std::vector<const core::Listener*> listeners = core::listeners_of(config);
    if (listeners.front() == &config.top && config.top.bind.empty()) {
        listeners.erase(listeners.begin());
    }
    return listeners;
}

/// Returns true if a client can be in both prefixes.
bool overlap(const core::Prefix& a, const core::Prefix& b) {
    if (a.kind != b.kind || a.kind == core::Prefix::Kind::None) return false;
    if (a.kind == core::Prefix::Kind::Unix) return true;
    if (a.address.is_v4() != b.address.is_v4()) return false;
    const std::size_t length = std::min(a.length, b.length);
    return a.address.first_of(length) == b.address.first_of(length);
}

/// Returns true if a listener can have a client for which a service is, as far as the lists that name who may
/// come say. Those that name who may not are left out.
bool can_meet(const core::Listener& listener, const core::Service& service) {
    const auto is_nobody = [](const core::Prefix& it) {
        return it.kind == core::Prefix::Kind::None;
    };
    const auto is_of = [](core::Prefix::Kind kind) {
        return [kind](const core::Prefix& it) { return it.kind == kind; };
    };
    const auto are_all = [](const core::List<core::Prefix>& list, auto test) {
        return !list.empty() && std::ranges::all_of(list, test);
    };
    if (are_all(listener.allow, is_nobody) || are_all(service.from, is_nobody)) return false;
    // Behind a PROXY header the client may be anybody.
    if (!listener.proxy_from.empty() || service.from.empty()) return true;
    const auto is_unix = [](const core::Endpoint& it) { return it.is_unix(); };
    const bool has_binds = !listener.bind.empty();
    if (has_binds && std::ranges::none_of(listener.bind, is_unix) &&
        are_all(service.from, is_of(core::Prefix::Kind::Unix))) {
        return false;
    }
    return listener.allow.empty() || std::ranges::any_of(listener.allow, [&](const auto& allowed) {
               return std::ranges::any_of(service.from,
                                          [&](const auto& from) { return overlap(allowed, from); });
           });
}

/// Returns true if a listener names a service, or asks it.
bool has(const core::Listener& listener, const core::Service& service) {
    return (service.has_patterns() && core::is_asked_by(listener, service)) ||
           core::is_fallback_of(listener, service) || core::is_timeout_of(listener, service);
}

/// Returns a service without patterns, under the name of a last resort.
core::Service as_last_resort(core::Service service, const char* name) {
    service.name = name;
    service.patterns.clear();
    service.layouts.clear();
    return service;
}

/// @param lists  null for the clients that only services for all are for
View view_of(const core::Listener& listener, const Lists* lists, const core::Config& config,
             const Origins& origins) {
    View view{&listener, lists != nullptr, config, origins};
    view.config.listeners.clear();
    view.config.services.clear();
    view.origins.services.clear();
    view.config.top = listener;
    const auto is_here = [&](const core::Service& service) {
        return is_for_all(service) || (lists != nullptr && lists->are_of(service));
    };
    const auto add = [&](core::Service service, std::size_t index) {
        service.from.clear();
        service.not_from.clear();
        view.config.services.push_back(std::move(service));
        view.origins.services.push_back(origins.services[index]);
    };
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        const core::Service& service = config.services[i];
        if (service.has_patterns() && core::is_asked_by(listener, service) && is_here(service)) {
            add(service, i);
        }
        if (core::is_fallback_of(listener, service)) {
            add(as_last_resort(service, core::kFallback), i);
        }
        if (core::is_timeout_of(listener, service)) add(as_last_resort(service, core::kTimeout), i);
    }
    view.config.top.services.clear();
    view.config.top.fallback.clear();
    view.config.top.on_timeout.clear();
    view.config.top.allow.clear();
    view.config.top.deny.clear();
    return view;
}

bool has(const View& view, const Issue& issue) {
    return std::ranges::any_of(view.issues, [&](const Issue& it) {
        return it.name == issue.name && it.service == issue.service && it.spot == issue.spot &&
               (!issue.service.empty() || it.text == issue.text);
    });
}

bool asks(const View& view, std::string_view service) {
    return std::ranges::find(view.config.services, service, &core::Service::name) !=
           view.config.services.end();
}

/// Returns the warnings of all views, each once.
std::vector<Issue> joined(const std::vector<View>& views) {
    std::vector<Issue> all;
    for (auto view = views.begin(); view != views.end(); ++view) {
        for (const Issue& issue : view->issues) {
            if (view->is_of_lists && issue.service.empty()) continue;
            const auto has_it = [&](const View& it) { return has(it, issue); };
            const bool is_of_all = std::ranges::all_of(views, [&](const View& it) {
                return has_it(it) ||
                       (issue.service.empty() ? it.is_of_lists : !asks(it, issue.service));
            });
            if (is_of_all && std::none_of(views.begin(), view, has_it)) all.push_back(issue);
            if (is_of_all || !issue.service.empty()) continue;
            all.push_back(issue);
            all.back().text = fmt::format("listener {}: {}", view->listener->name, issue.text);
        }
    }
    return all;
}

/// Returns true if clients of a listener can come to a service.
bool may_choose(const core::Listener& listener, const core::Service& service) {
    return has(listener, service) && can_meet(listener, service);
}

void warn_of_services_not_asked(const core::Config& config, const Origins& origins,
                                std::vector<Issue>& issues) {
    const auto listeners = used_listeners(config);
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        const core::Service& service = config.services[i];
        const bool is_used = std::ranges::any_of(
            listeners, [&](const core::Listener* it) { return has(*it, service); });
        if (is_used) continue;
        issues.push_back(origins.warning(
            origins.services[i].spot, "not-asked", service.name,
            "it never gets a client: no listener has it in services, fallback or on-timeout; "
            "add it to one, or delete it"));
    }
}

void warn_of_idle_listeners(const core::Config& config, const Origins& origins,
                            std::vector<Issue>& issues) {
    for (std::size_t i = 0; i < config.listeners.size(); ++i) {
        const core::Listener& listener = config.listeners[i];
        const bool can_choose = std::ranges::any_of(
            config.services, [&](const auto& service) { return may_choose(listener, service); });
        if (can_choose) continue;
        issues.push_back(origins.warning(
            origins.listeners[i].spot, "never-chooses", {},
            fmt::format("listener {}: it never chooses a service: those that it asks have no "
                        "pattern or are for other clients (from), and so are its fallback and its "
                        "on-timeout; name one of these, or change allow or from",
                        listener.name)));
    }
}

}  // namespace

bool depends_on_client(const core::Config& config) {
    return !config.listeners.empty() || !std::ranges::all_of(config.services, is_for_all);
}

std::vector<Issue> advise_by_client(const core::Config& config, const Origins& origins,
                                    const Advise& advise) {
    std::vector<View> views;
    const auto add_view = [&](const core::Listener& listener, const Lists* lists) {
        views.push_back(view_of(listener, lists, config, origins));
        views.back().issues = advise(views.back().config, views.back().origins);
    };
    const std::vector<Lists> all_lists = lists_of(config);
    for (const core::Listener* listener : used_listeners(config)) {
        add_view(*listener, nullptr);
        for (const Lists& lists : all_lists) add_view(*listener, &lists);
    }
    std::vector<Issue> issues = joined(views);
    warn_of_services_not_asked(config, origins, issues);
    warn_of_idle_listeners(config, origins, issues);
    sort_by_spot(issues);
    return issues;
}

}  // namespace portsplit::config
