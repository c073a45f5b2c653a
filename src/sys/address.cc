#include "sys/address.h"

#include <net/if.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <string_view>

namespace portsplit::sys {

std::optional<Address> Address::from(const core::Endpoint& endpoint) {
    // A link-local address has the interface behind a %: fe80::1%eth0 (RFC 4007 11).
    const std::size_t percent = endpoint.host.find('%');
    const auto ip = core::IpAddress::parse(std::string_view(endpoint.host).substr(0, percent));
    if (!ip || (ip->is_v4() && percent != core::Text::npos)) return std::nullopt;
    Address address;
    if (ip->is_v4()) {
        address.any_.v4.sin_family = AF_INET;
        address.any_.v4.sin_port = htons(endpoint.port);
        std::memcpy(&address.any_.v4.sin_addr, ip->bytes().data(), sizeof(in_addr));
        return address;
    }
    if (percent != core::Text::npos) {
        address.any_.v6.sin6_scope_id = if_nametoindex(endpoint.host.c_str() + percent + 1);
        if (address.any_.v6.sin6_scope_id == 0) return std::nullopt;
    }
    address.any_.v6.sin6_family = AF_INET6;
    address.any_.v6.sin6_port = htons(endpoint.port);
    std::memcpy(&address.any_.v6.sin6_addr, ip->bytes().data(), sizeof(in6_addr));
    return address;
}

Address Address::from(const sockaddr_storage& storage) {
    Address address;
    address.any_.any.sa_family = storage.ss_family;
    if (address.is_internet()) std::memcpy(&address.any_, &storage, sizeof address.any_);
    return address;
}

core::IpAddress Address::ip() const {
    const auto bytes_of = [](const auto& address) {
        std::array<std::uint8_t, sizeof address> bytes;
        std::memcpy(bytes.data(), &address, bytes.size());
        return bytes;
    };
    return family() == AF_INET ? core::IpAddress::from_bytes(bytes_of(any_.v4.sin_addr))
                               : core::IpAddress::from_bytes(bytes_of(any_.v6.sin6_addr));
}

std::string Address::host() const { return is_internet() ? ip().text() : "-"; }

std::uint16_t Address::port() const {
    if (family() == AF_INET) return ntohs(any_.v4.sin_port);
    if (family() == AF_INET6) return ntohs(any_.v6.sin6_port);
    return 0;
}

socklen_t Address::size() const {
    if (family() == AF_INET) return sizeof any_.v4;
    if (family() == AF_INET6) return sizeof any_.v6;
    return sizeof(sa_family_t);
}

std::string text_of(const Ends& ends) {
    return "src=" + ends.peer.host() + " sport=" + std::to_string(ends.peer.port()) +
           " dst=" + ends.local.host() + " dport=" + std::to_string(ends.local.port());
}

core::Source source_of(const Address& peer, bool with_zone) {
    if (!peer.is_internet()) return {std::nullopt, core::Zone(), peer.family() == AF_UNIX};
    core::Source source{peer.ip(), core::Zone(), false};
    char name[IF_NAMESIZE] = "";
    if (with_zone && peer.interface() != 0 && ::if_indextoname(peer.interface(), name) != nullptr) {
        source.zone = core::Zone(name);
    }
    return source;
}

namespace {

using NameCall = int (*)(int, sockaddr*, socklen_t*);

Result<Address> name_of(int fd, NameCall call, const char* what) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    // Socket calls take every kind of address by this cast (sockaddr(3type)).
    if (call(fd, reinterpret_cast<sockaddr*>(&storage), &length) < 0) return SysError{errno, what};
    return Address::from(storage);
}

}  // namespace

Result<Address> local_address(int fd) {
    return name_of(fd, ::getsockname, "cannot read a socket's own address");
}

std::string unix_path(int fd) {
    sockaddr_un address{};
    socklen_t length = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);  // sockaddr(3type)
    address.sun_path[sizeof address.sun_path - 1] = 0;
    return std::string("unix:") + address.sun_path;
}

Result<Address> peer_address(int fd) {
    return name_of(fd, ::getpeername, "cannot read a socket's peer address");
}

}  // namespace portsplit::sys
