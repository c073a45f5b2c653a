#include "config/overlap.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/ip_address.h"

namespace portsplit::config {
namespace {

using core::IpAddress;

/// Returns an address without its interface.
std::string_view without_zone(std::string_view host) { return host.substr(0, host.find('%')); }

/// Returns true if two addresses of a link are of different links.
bool are_of_two_links(std::string_view a, std::string_view b) {
    const auto zone_of = [](std::string_view host) {
        return host.substr(without_zone(host).size());
    };
    return !zone_of(a).empty() && !zone_of(b).empty() && zone_of(a) != zone_of(b);
}

std::vector<IpAddress> listened_on(std::string_view host) {
    host = without_zone(host);
    if (host == "*") return {IpAddress::any_v4(), IpAddress::any_v6()};
    const std::optional<IpAddress> address = IpAddress::parse(host);
    return address ? std::vector{*address} : std::vector<IpAddress>{};
}

/// Returns the addresses that a connection to a host reaches, as far as they are known without a
/// lookup. Linux connects to loopback for the unspecified address.
std::vector<IpAddress> connected_to(std::string_view host) {
    host = without_zone(host);
    if (core::is_localhost(host)) return {IpAddress::loopback_v4(), IpAddress::loopback_v6()};
    const std::optional<IpAddress> address = IpAddress::parse(host);
    if (!address) return {};
    return {address->reached()};
}

bool are_one_file(const core::Endpoint& a, const core::Endpoint& b) {
    return a.is_unix() && b.is_unix() && core::unix_socket(a).path == core::unix_socket(b).path;
}

template <typename Test>
bool any_pair(const std::vector<IpAddress>& some, const std::vector<IpAddress>& others, Test test) {
    return std::any_of(some.begin(), some.end(), [&](const IpAddress& a) {
        return std::any_of(others.begin(), others.end(), [&](const IpAddress& b) {
            return a.is_v4() == b.is_v4() && test(a, b);
        });
    });
}

}  // namespace

bool collide(const core::Endpoint& a, const core::Endpoint& b) {
    if (a.is_unix() || b.is_unix()) return are_one_file(a, b);
    if (a.port != b.port || a.port == 0 || are_of_two_links(a.host, b.host)) return false;
    return any_pair(listened_on(a.host), listened_on(b.host),
                    [](const IpAddress& one, const IpAddress& other) {
                        return one == other || one.is_any() || other.is_any();
                    });
}

bool leads_back(const core::Endpoint& target, const core::Endpoint& bind) {
    if (target.is_unix() || bind.is_unix()) return are_one_file(target, bind);
    if (target.port != bind.port || are_of_two_links(target.host, bind.host)) return false;
    return any_pair(connected_to(target.host), listened_on(bind.host),
                    [](const IpAddress& to, const IpAddress& on) {
                        return to == on || (on.is_any() && to.is_loopback());
                    });
}

}  // namespace portsplit::config
