#include "dispatch/loop.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "core/entrance.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

bool is_served_by(const core::IpAddress& target, std::string_view bind) {
    if (bind == "*") return sys::is_own(target);
    const auto address = core::IpAddress::parse(bind.substr(0, bind.find('%')));
    if (!address || address->is_v4() != target.is_v4()) return false;
    return *address == target || (address->is_any() && sys::is_own(target));
}

/// Returns true if two paths are one file (inode(7)): there may be links on the way.
bool are_one_file(const sys::Address& a, const sys::Address& b) {
    if (!a.is_unix() || !b.is_unix()) return false;
    if (a.path() == b.path()) return true;
    struct stat of_a {};
    struct stat of_b {};
    return ::stat(std::string(a.path()).c_str(), &of_a) == 0 &&
           ::stat(std::string(b.path()).c_str(), &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

bool leads_back_by_path(const sys::Address& target, const OwnListeners& own) {
    if (are_one_file(own.local, target)) return true;
    return std::ranges::any_of(own.binds, [&](const core::Endpoint& bind) {
        const auto address = bind.is_unix() ? sys::Address::from(bind) : std::nullopt;
        return address && are_one_file(*address, target);
    });
}

}  // namespace

core::List<core::Endpoint> binds_of(const core::Config& config) {
    core::List<core::Endpoint> binds;
    for (const core::Listener* listener : core::listeners_of(config)) {
        binds.insert(binds.end(), listener->bind.begin(), listener->bind.end());
    }
    return binds;
}

core::List<core::Endpoint> listeners_in(std::string_view text) {
    core::List<core::Endpoint> listeners;
    while (!text.empty()) {
        const std::string_view one = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), one.size() + 1));
        if (core::Endpoint socket{core::Text(one), 0}; socket.is_unix()) {
            listeners.push_back(std::move(socket));
            continue;
        }
        const std::size_t colon = one.rfind(':');
        if (colon == one.npos) continue;
        std::string_view host = one.substr(0, colon);
        if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
        core::Endpoint endpoint{core::Text(host), 0};
        const std::string_view port = one.substr(colon + 1);
        if (std::from_chars(port.begin(), port.end(), endpoint.port).ec != std::errc()) continue;
        listeners.push_back(endpoint);
    }
    return listeners;
}

bool leads_back(const sys::Address& target, const OwnListeners& own) {
    if (target.is_unix()) return leads_back_by_path(target, own);
    const core::IpAddress ip = target.ip().reached();
    const std::uint16_t port = target.port();
    if (own.local.is_internet() && own.local.port() == port && own.local.ip() == ip) return true;
    for (const core::Endpoint& bind : own.binds) {
        if (bind.port == port && !bind.is_unix() && is_served_by(ip, bind.host)) return true;
    }
    return false;
}

}  // namespace portsplit::dispatch
