#include "config/overlap.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace portsplit::config {
namespace {

/// A numeric host, without a port, in network byte order; IPv4 uses the first four bytes.
struct NumericHost {
    int family = AF_INET;
    std::array<std::uint8_t, 16> bytes{};

    bool operator==(const NumericHost&) const = default;
    bool is_any() const { return *this == NumericHost{family, {}}; }
};

constexpr NumericHost kAny4{AF_INET, {}};
constexpr NumericHost kAny6{AF_INET6, {}};
constexpr NumericHost kLoopback4{AF_INET, {127, 0, 0, 1}};
constexpr NumericHost kLoopback6{AF_INET6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

std::optional<NumericHost> parse(int family, std::string_view host) {
    NumericHost address{family, {}};
    const bool ok = inet_pton(family, std::string(host).c_str(), address.bytes.data()) == 1;
    return ok ? std::optional(address) : std::nullopt;
}

std::optional<NumericHost> parse(std::string_view host) {
    const std::optional<NumericHost> v4 = parse(AF_INET, host);
    return v4 ? v4 : parse(AF_INET6, host);
}

bool is_loopback(const NumericHost& address) {
    return address.family == AF_INET ? address.bytes[0] == 127 : address == kLoopback6;
}

bool is_localhost(std::string_view host) {
    constexpr std::string_view kName = "localhost";
    if (host.ends_with('.')) host.remove_suffix(1);
    return std::equal(host.begin(), host.end(), kName.begin(), kName.end(),
                      [](char a, char b) { return (a | 0x20) == b; });
}

std::vector<NumericHost> listened_on(std::string_view host) {
    if (host == "*") return {kAny4, kAny6};
    const std::optional<NumericHost> address = parse(host);
    return address ? std::vector{*address} : std::vector<NumericHost>{};
}

/// Returns the IPv4 address in ::ffff:a.b.c.d (RFC 4291 2.5.5.2), and any other address as it is.
NumericHost unmapped(const NumericHost& address) {
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (address.family != AF_INET6 ||
        !std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) {
        return address;
    }
    NumericHost v4{AF_INET, {}};
    std::copy(address.bytes.begin() + kMapped.size(), address.bytes.end(), v4.bytes.begin());
    return v4;
}

/// Returns the addresses that a connection to a host reaches, as far as they are known without a
/// lookup. Linux connects to loopback for the unspecified address.
std::vector<NumericHost> connected_to(std::string_view host) {
    if (is_localhost(host)) return {kLoopback4, kLoopback6};
    const std::optional<NumericHost> parsed = parse(host);
    if (!parsed) return {};
    const NumericHost address = unmapped(*parsed);
    if (address == kAny4) return {kLoopback4};
    if (address == kAny6) return {kLoopback6};
    return {address};
}

template <typename Test>
bool any_pair(const std::vector<NumericHost>& some, const std::vector<NumericHost>& others,
              Test test) {
    return std::any_of(some.begin(), some.end(), [&](const NumericHost& a) {
        return std::any_of(others.begin(), others.end(), [&](const NumericHost& b) {
            return a.family == b.family && test(a, b);
        });
    });
}

}  // namespace

bool is_ipv4(std::string_view host) { return parse(AF_INET, host).has_value(); }
bool is_ipv6(std::string_view host) { return parse(AF_INET6, host).has_value(); }

bool collide(const core::Endpoint& a, const core::Endpoint& b) {
    if (a.port != b.port || a.port == 0) return false;
    return any_pair(listened_on(a.host), listened_on(b.host),
                    [](const NumericHost& one, const NumericHost& other) {
                        return one == other || one.is_any() || other.is_any();
                    });
}

bool leads_back(const core::Endpoint& target, const core::Endpoint& bind) {
    if (target.port != bind.port) return false;
    return any_pair(connected_to(target.host), listened_on(bind.host),
                    [](const NumericHost& to, const NumericHost& on) {
                        return to == on || (on.is_any() && is_loopback(to));
                    });
}

}  // namespace portsplit::config
