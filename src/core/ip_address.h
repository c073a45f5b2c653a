#pragma once
// An IPv4 or IPv6 address without a port: the one parser and the one text of an address. The readers of
// configurations, their checks, the daemon, the log and the environment of programs all use it, so equal
// addresses have equal texts.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace portsplit::core {

class IpAddress {
  public:
    /// 0.0.0.0
    IpAddress() = default;

    /// Reads `192.0.2.1` or an IPv6 address in any form of RFC 4291 2.2, without brackets and without a zone.
    /// An IPv4-mapped address (::ffff:192.0.2.1, RFC 4291 2.5.5.2) becomes the IPv4 address.
    static std::optional<IpAddress> parse(std::string_view text);
    /// @param bytes  4 or 16, in network byte order; 16 that are IPv4-mapped become IPv4
    static IpAddress from_bytes(std::span<const std::uint8_t> bytes);
    static IpAddress any_v4() { return {}; }
    static IpAddress any_v6();
    static IpAddress loopback_v4();
    static IpAddress loopback_v6();

    bool is_v4() const { return is_v4_; }
    /// Returns true for 0.0.0.0 and ::, which mean every address of this machine.
    bool is_any() const;
    /// Returns true for 127.0.0.0/8 and ::1.
    bool is_loopback() const;
    /// Returns true for fe80::/10, whose addresses have a meaning on one link only (RFC 4291 2.5.6).
    bool is_of_link() const;

    /// Returns the address that connect(2) reaches: a loopback address in place of 0.0.0.0 and ::, which
    /// Linux takes for this machine.
    IpAddress reached() const;

    /// Returns 4 or 16 bytes in network byte order, valid as long as this object.
    std::span<const std::uint8_t> bytes() const;
    /// Returns the text of RFC 5952: lower case, the longest run of zeros shortened.
    std::string text() const;

    // Return the first and the last address that begin with the same bits.
    /// @param length  in bits, at most 32 for IPv4 and 128 for IPv6
    IpAddress first_of(std::size_t length) const;
    IpAddress last_of(std::size_t length) const;
    /// Returns the address behind this one; none behind the last of the family.
    std::optional<IpAddress> next() const;

    /// Returns the source that a connection from here counts for: an IPv4 address, or `PREFIX/64` of an
    /// IPv6 address, which one machine or household usually has whole (RFC 6177); `::1`.
    std::string source() const;

    /// Returns the first address of that source.
    IpAddress first_of_source() const { return is_whole_source() ? *this : first_of(64); }

    /// In the order of the numbers that they are, IPv6 first.
    std::strong_ordering operator<=>(const IpAddress& other) const {
        if (is_v4_ != other.is_v4_) return is_v4_ <=> other.is_v4_;
        return std::memcmp(bytes_.data(), other.bytes_.data(), bytes_.size()) <=> 0;
    }
    bool operator==(const IpAddress&) const = default;

  private:
    bool is_whole_source() const { return is_v4_ || is_loopback(); }
    IpAddress filled_behind(std::size_t length, bool ones) const;

    bool is_v4_ = true;
    std::array<std::uint8_t, 16> bytes_{};  ///< an IPv4 address has the first four
};

}  // namespace portsplit::core
