#include "core/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace portsplit::core {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<std::uint8_t, 16> kLoopback6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    if (text.find('\0') != text.npos) return std::nullopt;
    const std::string whole(text);
    std::array<std::uint8_t, 16> bytes{};
    if (inet_pton(AF_INET, whole.c_str(), bytes.data()) == 1) {
        return from_bytes(std::span(bytes).first(4));
    }
    if (inet_pton(AF_INET6, whole.c_str(), bytes.data()) == 1) return from_bytes(bytes);
    return std::nullopt;
}

IpAddress IpAddress::from_bytes(std::span<const std::uint8_t> bytes) {
    IpAddress address;
    address.is_v4_ = bytes.size() == 4;
    if (bytes.size() == 16 && std::ranges::equal(bytes.first(kMapped.size()), kMapped)) {
        address.is_v4_ = true;
        bytes = bytes.subspan(kMapped.size());
    }
    std::ranges::copy(bytes, address.bytes_.begin());
    return address;
}

IpAddress IpAddress::any_v6() { return from_bytes(std::array<std::uint8_t, 16>{}); }
IpAddress IpAddress::loopback_v4() { return from_bytes(std::array<std::uint8_t, 4>{127, 0, 0, 1}); }
IpAddress IpAddress::loopback_v6() { return from_bytes(kLoopback6); }

bool IpAddress::is_any() const {
    return std::ranges::all_of(bytes_, [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const { return is_v4_ ? bytes_[0] == 127 : bytes_ == kLoopback6; }

bool IpAddress::is_of_link() const {
    return !is_v4_ && bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

IpAddress IpAddress::reached() const {
    if (!is_any()) return *this;
    return is_v4_ ? loopback_v4() : loopback_v6();
}

std::span<const std::uint8_t> IpAddress::bytes() const {
    return std::span(bytes_).first(is_v4_ ? 4 : 16);
}

std::string IpAddress::text() const {
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(is_v4_ ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
    return text;
}

IpAddress IpAddress::filled_behind(std::size_t length, bool ones) const {
    IpAddress filled = *this;
    const std::size_t size = bytes().size();
    for (std::size_t i = length / 8; i < size; ++i) {
        const std::size_t kept = i == length / 8 ? length % 8 : 0;
        const auto behind = static_cast<std::uint8_t>(0xff >> kept);
        std::uint8_t& byte = filled.bytes_[i];
        byte = static_cast<std::uint8_t>(ones ? byte | behind : byte & ~behind);
    }
    return filled;
}

IpAddress IpAddress::first_of(std::size_t length) const { return filled_behind(length, false); }
IpAddress IpAddress::last_of(std::size_t length) const { return filled_behind(length, true); }

std::optional<IpAddress> IpAddress::next() const {
    IpAddress next = *this;
    for (std::size_t i = bytes().size(); i > 0; --i) {
        if (++next.bytes_[i - 1] != 0) return next;
    }
    return std::nullopt;
}

std::string IpAddress::source() const {
    return is_whole_source() ? text() : first_of(64).text() + "/64";
}

}  // namespace portsplit::core
