#include "config/listener_warnings.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "core/entrance.h"

namespace portsplit::config {
namespace {

/// A configuration as the clients of one listener find it.
struct View {
    const core::Listener* listener;
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

/// Returns true if clients of a listener can come to a service.
bool may_choose(const core::Listener& listener, const core::Service& service) {
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

View view_of(const core::Listener& listener, const core::Config& config, const Origins& origins) {
    View view{&listener, config, origins};
    view.config.listeners.clear();
    view.config.services.clear();
    view.origins.services.clear();
    view.config.top = listener;
    const auto add = [&](core::Service service, std::size_t index) {
        view.config.services.push_back(std::move(service));
        view.origins.services.push_back(origins.services[index]);
    };
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        const core::Service& service = config.services[i];
        if (service.has_patterns() && core::is_asked_by(listener, service)) add(service, i);
        if (core::is_fallback_of(listener, service)) {
            add(as_last_resort(service, core::kFallback), i);
        }
        if (core::is_timeout_of(listener, service)) add(as_last_resort(service, core::kTimeout), i);
    }
    view.config.top.services.clear();
    view.config.top.fallback.clear();
    view.config.top.on_timeout.clear();
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
            const auto has_it = [&](const View& it) { return has(it, issue); };
            const bool is_of_all = std::ranges::all_of(views, [&](const View& it) {
                return has_it(it) || (!issue.service.empty() && !asks(it, issue.service));
            });
            if (is_of_all && std::none_of(views.begin(), view, has_it)) all.push_back(issue);
            if (is_of_all || !issue.service.empty()) continue;
            all.push_back(issue);
            all.back().text = fmt::format("listener {}: {}", view->listener->name, issue.text);
        }
    }
    return all;
}

void warn_of_services_not_asked(const core::Config& config, const Origins& origins,
                                std::vector<Issue>& issues) {
    const auto listeners = used_listeners(config);
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        const core::Service& service = config.services[i];
        const bool is_used = std::ranges::any_of(
            listeners, [&](const core::Listener* it) { return may_choose(*it, service); });
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
                        "pattern, and it has no fallback and no on-timeout; name one of these",
                        listener.name)));
    }
}

}  // namespace

std::vector<Issue> advise_by_listener(const core::Config& config, const Origins& origins,
                                      const Advise& advise) {
    std::vector<View> views;
    for (const core::Listener* listener : used_listeners(config)) {
        views.push_back(view_of(*listener, config, origins));
        views.back().issues = advise(views.back().config, views.back().origins);
    }
    std::vector<Issue> issues = joined(views);
    warn_of_services_not_asked(config, origins, issues);
    warn_of_idle_listeners(config, origins, issues);
    sort_by_spot(issues);
    return issues;
}

}  // namespace portsplit::config
