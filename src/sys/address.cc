#include "sys/address.h"

#include <net/if.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "core/safe_text.h"

namespace portsplit::sys {
namespace {

constexpr std::size_t kPathPlace = offsetof(sockaddr_un, sun_path);

}  // namespace

std::optional<Address> Address::from(const core::Endpoint& endpoint) {
    if (endpoint.is_unix()) {
        std::string path(core::unix_socket(endpoint).path);
        if (path.starts_with('@')) path.front() = '\0';
        return of_unix(path);
    }
    // A link-local address has the interface behind a %: fe80::1%eth0 (RFC 4007 11).
    const std::size_t percent = endpoint.host.find('%');
    const auto ip = core::IpAddress::parse(std::string_view(endpoint.host).substr(0, percent));
    if (!ip || (ip->is_v4() && percent != core::Text::npos)) return std::nullopt;
    Address address = from(*ip, endpoint.port);
    if (percent == core::Text::npos) return address;
    address.any_.v6.sin6_scope_id = if_nametoindex(endpoint.host.c_str() + percent + 1);
    if (address.any_.v6.sin6_scope_id == 0) return std::nullopt;
    return address;
}

Address Address::from(const core::IpAddress& ip, std::uint16_t port) {
    Address address;
    if (ip.is_v4()) {
        address.any_.v4.sin_family = AF_INET;
        address.any_.v4.sin_port = htons(port);
        std::memcpy(&address.any_.v4.sin_addr, ip.bytes().data(), sizeof(in_addr));
    } else {
        address.any_.v6.sin6_family = AF_INET6;
        address.any_.v6.sin6_port = htons(port);
        std::memcpy(&address.any_.v6.sin6_addr, ip.bytes().data(), sizeof(in6_addr));
    }
    return address;
}

Address Address::from(const sockaddr_storage& storage, socklen_t size) {
    Address address;
    address.any_.any.sa_family = storage.ss_family;
    if (address.is_internet()) std::memcpy(&address.any_, &storage, sizeof address.any_.v6);
    if (!address.is_unix()) return address;
    // A path ends at its NUL, if it has one; an abstract one has as many bytes as the kernel says (unix(7)).
    const auto* generic = reinterpret_cast<const char*>(&storage);
    const std::size_t end = std::min<std::size_t>(size, sizeof(sockaddr_un));
    std::string_view path(generic, end);
    path.remove_prefix(std::min(end, kPathPlace));
    if (!path.starts_with('\0')) path = path.substr(0, path.find('\0'));
    return of_unix(path);
}

Address Address::of_unix(std::string_view path) {
    Address address;
    address.any_.path.sun_family = AF_UNIX;
    path = path.substr(0, sizeof address.any_.path.sun_path);
    path.copy(address.any_.path.sun_path, path.size());
    address.path_size_ = static_cast<std::uint8_t>(path.size());
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

std::string_view Address::path() const { return {any_.path.sun_path, path_size_}; }

std::string Address::host() const {
    if (is_internet()) return ip().text();
    if (!is_unix()) return "-";
    if (path_size_ == 0) return "unix";
    return any_.path.sun_path[0] == '\0' ? "@" + core::safe_text(path().substr(1))
                                         : core::safe_text(path());
}

std::string Address::text() const {
    if (is_unix()) return path_size_ == 0 ? host() : "unix:" + host();
    return core::to_string({core::Text(host()), port()});
}

bool Address::is_valid() const {
    return is_internet() || (is_unix() && path_size_ <= sizeof any_.path.sun_path);
}

std::uint16_t Address::port() const {
    if (family() == AF_INET) return ntohs(any_.v4.sin_port);
    if (family() == AF_INET6) return ntohs(any_.v6.sin6_port);
    return 0;
}

socklen_t Address::size() const {
    if (family() == AF_INET) return sizeof any_.v4;
    if (family() == AF_INET6) return sizeof any_.v6;
    return static_cast<socklen_t>(kPathPlace + path_size_);
}

std::string text_of(const Ends& ends) {
    const std::string peer = ends.peer.is_unix() ? "unix" : ends.peer.host();
    return "src=" + peer + " sport=" + std::to_string(ends.peer.port()) +
           " dst=" + ends.local.host() + " dport=" + std::to_string(ends.local.port());
}

core::Source source_of(const Address& peer, bool with_zone) {
    if (!peer.is_internet()) return {std::nullopt, core::Zone(), peer.is_unix()};
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
    return Address::from(storage, length);
}

}  // namespace

Result<Address> local_address(int fd) {
    return name_of(fd, ::getsockname, "cannot read a socket's own address");
}

Result<Address> peer_address(int fd) {
    return name_of(fd, ::getpeername, "cannot read a socket's peer address");
}

}  // namespace portsplit::sys
