#include "dispatch/loop.h"

#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

/// Returns where a connection to an address goes: Linux connects to loopback for the unspecified one.
core::IpAddress reached_by(const core::IpAddress& address) {
    if (!address.is_any()) return address;
    return address.is_v4() ? core::IpAddress::loopback_v4() : core::IpAddress::loopback_v6();
}

bool is_served_by(const core::IpAddress& target, std::string_view bind) {
    if (bind == "*") return sys::is_own(target);
    const auto address = core::IpAddress::parse(bind);
    if (!address || address->is_v4() != target.is_v4()) return false;
    return *address == target || (address->is_any() && sys::is_own(target));
}

}  // namespace

bool leads_back(const sys::Address& target, const OwnListeners& own) {
    const core::IpAddress ip = reached_by(target.ip());
    const std::uint16_t port = target.port();
    if (own.local.is_internet() && own.local.port() == port && own.local.ip() == ip) return true;
    for (const core::Endpoint& bind : own.binds) {
        if (bind.port == port && is_served_by(ip, bind.host)) return true;
    }
    return false;
}

}  // namespace portsplit::dispatch
