#include "config/setup_warnings.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "config/key_table.h"
#include "config/value.h"
#include "config/wording.h"
#include "core/access.h"
#include "core/entrance.h"
#include "core/ip_address.h"

namespace portsplit::config {
namespace {

using core::Prefix;

enum class Family { V4, V6 };
constexpr std::array kFamilies{Family::V4, Family::V6};

constexpr std::string_view kFreebind = "freebind";
constexpr std::string_view kMptcp = "mptcp";
constexpr std::string_view kTransparent = "transparent";

const char* name_of(Family family) { return family == Family::V4 ? "IPv4" : "IPv6"; }
Family other(Family family) { return family == Family::V4 ? Family::V6 : Family::V4; }
Family family_of(const core::IpAddress& address) {
    return address.is_v4() ? Family::V4 : Family::V6;
}

/// Returns the family of an address; nothing for a name, a Unix-domain socket and `*`.
std::optional<Family> family_of(const core::Endpoint& endpoint) {
    const std::string_view host = endpoint.host;
    const auto address = core::IpAddress::parse(host.substr(0, host.find('%')));
    if (!address) return std::nullopt;
    return family_of(*address);
}

/// Returns the family that all targets of a transparent service have; nothing if they have none in common.
std::optional<Family> only_family_of(const core::Service& service) {
    if (!core::is_transparent(service)) return std::nullopt;
    const auto& targets = std::get<core::Connect>(service.action).targets;
    const auto all_are = [&](Family family) {
        return std::ranges::all_of(targets,
                                   [&](const auto& it) { return family_of(it) == family; });
    };
    for (const Family family : kFamilies) {
        if (all_are(family)) return family;
    }
    return std::nullopt;
}

bool has_family(const core::List<Prefix>& list, Family family) {
    return std::ranges::any_of(list, [&](const Prefix& it) {
        return it.kind == Prefix::Kind::Internet && family_of(it.address) == family;
    });
}

/// Returns true if two lists shut out a whole family: no prefix of it is allowed, and there is a list of those
/// that are, or all of the family are denied.
bool shut_out(const core::List<Prefix>& allowed, const core::List<Prefix>& denied, Family family) {
    if (has_family(allowed, family)) return false;
    return !allowed.empty() || std::ranges::any_of(denied, [&](const Prefix& it) {
        return it.kind == Prefix::Kind::Internet && it.length == 0 && it.zone.empty() &&
               family_of(it.address) == family;
    });
}

/// Returns true if clients of a listener may come to a service.
bool may_choose(const core::Listener& listener, const core::Service& service) {
    return (service.has_patterns() && core::is_asked_by(listener, service)) ||
           core::is_fallback_of(listener, service) || core::is_timeout_of(listener, service);
}

/// A listener with the lines that it was read from.
struct Described {
    const core::Listener* listener;
    const Origin* origin;
};

class Search {
  public:
    Search(const core::Config& config, const Origins& origins)
        : config_(config), origins_(origins) {
        const bool is_main_a_section = std::ranges::any_of(
            config.listeners, [](const core::Listener& it) { return it.name == core::kMain; });
        if (!is_main_a_section && (config.listeners.empty() || !config.top.bind.empty())) {
            listeners_.push_back({&config.top, &origins.global});
        }
        for (std::size_t i = 0; i < config.listeners.size(); ++i) {
            listeners_.push_back({&config.listeners[i], &origins.listeners[i]});
        }
    }

    std::vector<Issue> warnings() {
        for (const Described& it : listeners_) warn_of_denied_balancers(it);
        warn_of_unused_options();
        for (std::size_t i = 0; i < config_.services.size(); ++i) warn_of_one_family(i);
        return std::move(found_);
    }

  private:
    /// Returns `listener NAME: ` where there are several.
    std::string begin_of(const core::Listener& listener) const {
        if (config_.listeners.empty()) return {};
        return fmt::format("listener {}: ", shown(listener.name));
    }

    void warn_of_denied_balancers(const Described& it) {
        const core::Listener& listener = *it.listener;
        const core::Access access(listener.allow, listener.deny);
        const Origin& origin = it.origin->has(kProxyFrom) ? *it.origin : origins_.global;
        for (std::size_t i = 0; i < listener.proxy_from.size(); ++i) {
            const Prefix& balancer = listener.proxy_from[i];
            if (!is_denied(balancer, listener, access)) continue;
            warn(origin.of(kProxyFrom, i), "balancer-denied", {},
                 fmt::format("{}proxy-from = {}: {} shuts this balancer out, and with it all its "
                             "clients; these lists are about the balancer, not about the client of "
                             "its header; {}",
                             begin_of(listener), print(balancer), list_that_denies(listener),
                             listener.deny.empty() ? "add it to allow"
                                                   : "add it to allow, or take it out of deny"));
        }
    }

    static std::string_view list_that_denies(const core::Listener& listener) {
        if (listener.deny.empty()) return "allow";
        return listener.allow.empty() ? "deny" : "allow and deny";
    }

    /// Returns true if no address of a prefix may connect. A longer prefix in `allow` lets some in.
    static bool is_denied(const Prefix& prefix, const core::Listener& listener,
                          const core::Access& access) {
        if (prefix.kind == Prefix::Kind::None) return false;
        const bool is_unix = prefix.kind == Prefix::Kind::Unix;
        core::Source first{.zone = prefix.zone, .is_unix = is_unix};
        if (!is_unix) first.address = prefix.address;
        if (access.allows(first)) return false;
        return is_unix || std::ranges::none_of(listener.allow, [&](const Prefix& it) {
                   return it.kind == Prefix::Kind::Internet && it.length > prefix.length &&
                          it.address.is_v4() == prefix.address.is_v4() &&
                          it.address.first_of(prefix.length) == prefix.address;
               });
    }

    /// Options of TCP sockets where all sockets are of the Unix domain. One above the services is reported if no
    /// listener uses it.
    void warn_of_unused_options() {
        warn_of_unused(kInterface, [](const auto& it) { return !it.interface.empty(); });
        warn_of_unused(kFreebind, [](const auto& it) { return it.freebind; });
        warn_of_unused(kMptcp, [](const auto& it) { return it.mptcp; });
    }

    template <typename IsSet>
    void warn_of_unused(std::string_view key, IsSet is_set) {
        bool is_used = false;
        bool is_of_top = false;
        for (const auto& [listener, origin] : listeners_) {
            if (!is_set(*listener)) continue;
            const bool is_own = origin != &origins_.global && origin->has(key);
            const bool has_effect = !is_unix_only(*listener);
            if (is_own && !has_effect) {
                warn(origin->of(key), "no-effect", {}, text_of_unused(key, *listener));
            }
            if (!is_own) (has_effect ? is_used : is_of_top) = true;
        }
        if (is_of_top && !is_used && origins_.global.has(key)) {
            warn(origins_.global.of(key), "no-effect", {},
                 fmt::format("{} has no effect: every bind is a Unix-domain socket; delete it",
                             key));
        }
    }

    std::string text_of_unused(std::string_view key, const core::Listener& listener) const {
        return fmt::format("{}{} has no effect: every bind here is a Unix-domain socket; delete it",
                           begin_of(listener), key);
    }

    /// One without any has those that a service manager passes.
    static bool is_unix_only(const core::Listener& listener) {
        return !listener.bind.empty() &&
               std::ranges::all_of(listener.bind, [](const auto& it) { return it.is_unix(); });
    }

    /// A target has the client's own address, so the two have one family.
    void warn_of_one_family(std::size_t index) {
        const core::Service& service = config_.services[index];
        const auto family = only_family_of(service);
        if (!family) return;
        const Family lacking = other(*family);
        if (shut_out(service.from, service.not_from, lacking)) return;
        for (const auto& [listener, origin] : listeners_) {
            const core::Endpoint* bind = bind_of(*listener, lacking);
            if (bind == nullptr || !may_choose(*listener, service) ||
                shut_out(listener->allow, listener->deny, lacking)) {
                continue;
            }
            warn(
                origins_.services[index].of(kTransparent), "one-family", service.name,
                fmt::format("transparent = yes, and all its targets are {0} addresses: clients of "
                            "{1}, whom bind = {2} takes, are closed; add a target of {1}, or write "
                            "from = {3}",
                            name_of(*family), name_of(lacking), core::to_string(*bind),
                            *family == Family::V4 ? "0.0.0.0/0" : "::/0"));
            return;
        }
    }

    /// Returns a bind that takes clients of a family; null if there is none. `[::]` takes IPv6 alone.
    static const core::Endpoint* bind_of(const core::Listener& listener, Family family) {
        const auto found = std::ranges::find_if(listener.bind, [&](const core::Endpoint& it) {
            return it.host == "*" || family_of(it) == family;
        });
        return found == listener.bind.end() ? nullptr : &*found;
    }

    void warn(Spot spot, std::string_view name, std::string_view service, const std::string& text) {
        found_.push_back(origins_.warning(spot, name, service, text));
    }

    const core::Config& config_;
    const Origins& origins_;
    std::vector<Described> listeners_;
    std::vector<Issue> found_;
};

}  // namespace

std::vector<Issue> advise_on_setup(const core::Config& config, const Origins& origins) {
    return Search(config, origins).warnings();
}

}  // namespace portsplit::config
