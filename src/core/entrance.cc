#include "core/entrance.h"

#include <algorithm>
#include <variant>

namespace portsplit::core {
namespace {

bool is(const Service& service, const Text& named, std::string_view default_name) {
    return service.name == (named.empty() ? default_name : std::string_view(named));
}

}  // namespace

std::vector<const Listener*> listeners_of(const Config& config) {
    const auto main = std::ranges::find(config.listeners, kMain, &Listener::name);
    std::vector<const Listener*> all{main == config.listeners.end() ? &config.top : &*main};
    for (const Listener& listener : config.listeners) {
        if (&listener != all.front()) all.push_back(&listener);
    }
    return all;
}

std::optional<std::size_t> find_listener(const Config& config, std::string_view name) {
    const auto all = listeners_of(config);
    const auto found =
        std::ranges::find(all, name, [](const Listener* it) { return std::string_view(it->name); });
    if (found == all.end()) return std::nullopt;
    return static_cast<std::size_t>(found - all.begin());
}

bool takes_headers(const Config& config) {
    return std::ranges::any_of(listeners_of(config), [](const Listener* listener) {
        return !listener->proxy_from.empty();
    });
}

bool is_fallback_of(const Listener& listener, const Service& service) {
    return is(service, listener.fallback, kFallback);
}

bool is_timeout_of(const Listener& listener, const Service& service) {
    return is(service, listener.on_timeout, kTimeout);
}

bool is_transparent(const Service& service) {
    const auto* connect = std::get_if<Connect>(&service.action);
    return connect != nullptr && connect->transparent;
}

bool is_asked_by(const Listener& listener, const Service& service) {
    return listener.services.empty() ||
           std::ranges::find(listener.services, service.name) != listener.services.end();
}

}  // namespace portsplit::core
