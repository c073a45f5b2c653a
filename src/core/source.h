#pragma once
// Where a client comes from, and what an administrator writes about it.

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/ip_address.h"

namespace portsplit::core {

/// The name of a network interface (netdevice(7)); empty for none. An IPv6 address of a link has a meaning
/// together with it only (RFC 4007).
class Zone {
  public:
    /// linux/if.h IFNAMSIZ, without the NUL.
    static constexpr std::size_t kLongest = 15;

    Zone() = default;
    /// @param name  at most `kLongest` bytes; the rest is left out
    explicit Zone(std::string_view name) {
        std::ranges::copy(name.substr(0, kLongest), name_.begin());
    }

    std::string_view name() const { return name_.data(); }
    bool empty() const { return name_[0] == '\0'; }
    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 reports the 0 of a defaulted <=>.
    auto operator<=>(const Zone&) const = default;

  private:
    std::array<char, kLongest + 1> name_{};
};

/// Where one client comes from. By default somewhere that no prefix contains.
struct Source {
    std::optional<IpAddress> address{};
    Zone zone{};
    bool is_unix = false;  ///< over a Unix-domain socket

    bool operator==(const Source&) const = default;
};

/// A set of sources, as one value of a list.
struct Prefix {
    enum class Kind : std::uint8_t {
        Internet,  ///< the addresses that begin with the first `length` bits of `address`
        Unix,      ///< clients over Unix-domain sockets
        None,      ///< nobody: for a list that is given and empty
    };
    Kind kind = Kind::None;
    std::uint8_t length = 0;  ///< in bits: at most 32 for IPv4, 128 for IPv6
    IpAddress address{};      ///< the bits behind `length` are 0
    Zone zone{};              ///< if given, only clients of this interface

    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 reports the 0 of a defaulted <=>.
    auto operator<=>(const Prefix&) const = default;
};

}  // namespace portsplit::core
