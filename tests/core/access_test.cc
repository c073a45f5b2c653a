#include "core/access.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace portsplit::core {
namespace {

IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

Prefix prefix(std::string_view text, std::uint8_t length, std::string_view zone = {}) {
    return {Prefix::Kind::Internet, length, address(text).first_of(length), Zone(zone)};
}

Source from(std::string_view text, std::string_view zone = {}) {
    return {address(text), Zone(zone), false};
}

constexpr Source kUnix{std::nullopt, Zone(), true};
constexpr Source kUnknown{};

TEST(Access, AllowsEverybodyWithoutLists) {
    const Access access;
    EXPECT_TRUE(access.allows(from("192.0.2.1")));
    EXPECT_TRUE(access.allows(from("::1")));
    EXPECT_TRUE(access.allows(kUnix));
    EXPECT_TRUE(access.allows(kUnknown));
    EXPECT_FALSE(access.has_zones());
}

TEST(Access, DeniesOnlyWhatIsDeniedWhereNothingIsAllowed) {
    const std::vector<Prefix> denied{prefix("192.0.2.0", 24), prefix("2001:db8::", 32)};
    const Access access({}, denied);
    EXPECT_FALSE(access.allows(from("192.0.2.0")));
    EXPECT_FALSE(access.allows(from("192.0.2.255")));
    EXPECT_FALSE(access.allows(from("::ffff:192.0.2.7")));
    EXPECT_FALSE(access.allows(from("2001:db8:ffff::1")));
    EXPECT_TRUE(access.allows(from("192.0.1.255")));
    EXPECT_TRUE(access.allows(from("192.0.3.0")));
    EXPECT_TRUE(access.allows(from("2001:db9::")));
    EXPECT_TRUE(access.allows(kUnix));
    EXPECT_TRUE(access.allows(kUnknown));
}

TEST(Access, AllowsOnlyWhatIsAllowedWhereSomethingIs) {
    const std::vector<Prefix> allowed{prefix("192.0.2.0", 24)};
    const Access access(allowed, {});
    EXPECT_TRUE(access.allows(from("192.0.2.9")));
    for (const Source& other : {from("198.51.100.1"), from("::1"), kUnix, kUnknown}) {
        EXPECT_FALSE(access.allows(other));
    }
}

TEST(Access, LetsTheLongestPrefixDecide) {
    const std::vector<Prefix> allowed{prefix("0.0.0.0", 0), prefix("192.0.2.128", 25),
                                      prefix("192.0.2.1", 32)};
    const std::vector<Prefix> denied{prefix("192.0.2.0", 24), prefix("192.0.2.129", 32)};
    const Access access(allowed, denied);
    EXPECT_TRUE(access.allows(from("192.0.2.1")));
    EXPECT_FALSE(access.allows(from("192.0.2.2")));
    EXPECT_TRUE(access.allows(from("192.0.2.128")));
    EXPECT_FALSE(access.allows(from("192.0.2.129")));
    EXPECT_TRUE(access.allows(from("192.0.2.130")));
    EXPECT_TRUE(access.allows(from("255.255.255.255")));
    // 0.0.0.0/0 is all of IPv4 and nothing else.
    EXPECT_FALSE(access.allows(from("::1")));
}

TEST(Access, KeepsTheFamiliesApart) {
    const std::vector<Prefix> all_v6{prefix("::", 0)};
    const Access allowed(all_v6, {});
    EXPECT_TRUE(allowed.allows(from("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
    EXPECT_FALSE(allowed.allows(from("0.0.0.0")));
    EXPECT_FALSE(allowed.allows(from("::ffff:192.0.2.1")));
}

TEST(Access, TakesADeniedPrefixForMoreThanTheSameAllowedOne) {
    const std::vector<Prefix> both{prefix("192.0.2.0", 24)};
    EXPECT_FALSE(Access(both, both).allows(from("192.0.2.1")));
}

TEST(Access, TakesUnixAndNoneForWhatTheySay) {
    const std::vector<Prefix> unix_only{{Prefix::Kind::Unix, 0, {}, {}}};
    const std::vector<Prefix> none{{Prefix::Kind::None, 0, {}, {}}};
    EXPECT_TRUE(Access(unix_only, {}).allows(kUnix));
    EXPECT_FALSE(Access(unix_only, {}).allows(from("127.0.0.1")));
    EXPECT_FALSE(Access({}, unix_only).allows(kUnix));
    EXPECT_FALSE(Access(none, {}).allows(from("127.0.0.1")));
    EXPECT_TRUE(Access({}, none).allows(from("127.0.0.1")));
}

TEST(Access, ComparesTheZone) {
    const std::vector<Prefix> allowed{prefix("fe80::", 64, "eth0")};
    const std::vector<Prefix> denied{prefix("fe80::1", 128)};
    const Access access(allowed, denied);
    EXPECT_TRUE(access.has_zones());
    EXPECT_TRUE(access.allows(from("fe80::2", "eth0")));
    EXPECT_FALSE(access.allows(from("fe80::2", "eth1")));
    EXPECT_FALSE(access.allows(from("fe80::2")));
    EXPECT_FALSE(access.allows(from("fe80:0:0:1::2", "eth0")));
    EXPECT_FALSE(access.allows(from("fe80::1", "eth0")));  // the longer prefix has no zone
}

/// Returns what another process makes of bytes; none if it refuses them.
std::optional<Access> taken_from(std::string_view bytes) {
    auto access = Access::take_from(bytes);
    return bytes.empty() ? access : std::nullopt;
}

TEST(Access, IsTheSameInAnotherProcess) {
    const std::vector<Prefix> allowed{
        prefix("192.0.2.0", 24), prefix("fe80::", 64, "eth0"), {Prefix::Kind::Unix, 0, {}, {}}};
    const std::vector<Prefix> denied{prefix("192.0.2.9", 32), prefix("::", 0)};
    const Access access(allowed, denied);
    std::string bytes;
    access.append_to(bytes);
    const auto there = taken_from(bytes);
    ASSERT_TRUE(there);
    EXPECT_TRUE(there->has_zones());
    for (const Source& source :
         {from("192.0.2.1"), from("192.0.2.9"), from("198.51.100.1"), from("fe80::1", "eth0"),
          from("fe80::1", "eth1"), kUnix, kUnknown}) {
        EXPECT_EQ(there->allows(source), access.allows(source));
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(taken_from(bytes.substr(0, size))) << size;
    }
}

// Whatever the bytes are: no look-up leaves the list.
TEST(Access, IsRefusedIfALookUpCouldGoWrong) {
    const std::vector<Prefix> denied{prefix("192.0.2.0", 24), prefix("fe80::", 64, "eth0")};
    std::string bytes;
    Access({}, denied).append_to(bytes);
    // Two bytes of answers and the number of ranges; then each with flags, length and address.
    const std::size_t first = 10;
    const std::size_t range = 2 + 16;
    ASSERT_TRUE(taken_from(bytes));
    std::string not_the_first = bytes;
    not_the_first[first + 2] = '\1';
    EXPECT_FALSE(taken_from(not_the_first)) << "addresses before the first range";
    std::string unsorted = bytes;
    unsorted[first + range + 2] = '\xff';
    EXPECT_FALSE(taken_from(unsorted)) << "ranges that are not sorted";
    std::string without_v4;
    const std::vector<Prefix> all_v6{prefix("::", 0)};
    Access({}, all_v6).append_to(without_v4);
    ASSERT_TRUE(taken_from(without_v4));
    without_v4[2] = '\1';
    without_v4.erase(first + range, 2 + 4);
    EXPECT_FALSE(taken_from(without_v4)) << "no answer for IPv4";
    std::string too_long = bytes;
    const std::size_t zoned = bytes.size() - (2 + 16 + 1 + 4);
    too_long[zoned + 1] = '\xff';
    EXPECT_FALSE(taken_from(too_long)) << "a prefix of 255 bits";
}

TEST(AccessNumbers, HasOneNumberForListsThatAreTheSame) {
    const std::vector<Prefix> a{prefix("192.0.2.0", 24)};
    const std::vector<Prefix> same{prefix("192.0.2.0", 24)};
    const std::vector<Prefix> b{prefix("192.0.2.0", 25)};
    AccessNumbers numbers;
    EXPECT_EQ(numbers.number_of({}, {}), AccessNumbers::kForAll);
    EXPECT_EQ(numbers.number_of(a, {}), 0U);
    EXPECT_EQ(numbers.number_of({}, a), 1U);
    EXPECT_EQ(numbers.number_of(a, b), 2U);
    EXPECT_EQ(numbers.number_of(same, {}), 0U);
    EXPECT_EQ(numbers.number_of(same, b), 2U);
    EXPECT_EQ(numbers.all().size(), 3U);
}

/// Longest prefix, by trying all.
bool allows_plainly(const std::vector<Prefix>& allowed, const std::vector<Prefix>& denied,
                    const IpAddress& address) {
    int longest = -1;
    bool is_allowed = allowed.empty();
    const auto look = [&](const Prefix& it, bool allows, int least) {
        const bool has_it =
            it.address.is_v4() == address.is_v4() && address.first_of(it.length) == it.address;
        if (!has_it || it.length < least) return;
        longest = it.length;
        is_allowed = allows;
    };
    for (const Prefix& it : allowed) look(it, true, longest + 1);
    for (const Prefix& it : denied) look(it, false, longest);
    return is_allowed;
}

/// Some prefixes near the beginning or the end of one of the families, where ranges meet.
std::vector<Prefix> random_prefixes(std::mt19937& random) {
    std::vector<Prefix> prefixes;
    for (std::size_t count = random() % 5; count > 0; --count) {
        std::vector<std::uint8_t> bytes(random() % 2 == 0 ? 4 : 16,
                                        random() % 2 == 0 ? 0x00 : 0xff);
        bytes.back() = static_cast<std::uint8_t>(bytes.back() ^ random() % 16);
        const std::size_t bits = bytes.size() * 8;
        const auto length = static_cast<std::uint8_t>(random() % 4 == 0 ? random() % (bits + 1)
                                                                        : bits - random() % 5);
        prefixes.push_back({Prefix::Kind::Internet, length,
                            IpAddress::from_bytes(bytes).first_of(length), Zone()});
    }
    return prefixes;
}

TEST(AccessOfRandomLists, AgreesWithTryingAllPrefixes) {
    std::mt19937 random(14);
    for (int round = 0; round < 20'000; ++round) {
        const auto allowed = random_prefixes(random);
        const auto denied = random_prefixes(random);
        const Access access(allowed, denied);
        for (const std::size_t size : {4U, 16U}) {
            for (const std::uint8_t fill : std::array<std::uint8_t, 3>{0x00, 0x80, 0xff}) {
                std::vector<std::uint8_t> bytes(size, fill);
                for (unsigned low = 0; low < 16; ++low) {
                    bytes.back() = static_cast<std::uint8_t>(fill ^ low);
                    const IpAddress it = IpAddress::from_bytes(bytes);
                    ASSERT_EQ(access.allows({it, Zone(), false}),
                              allows_plainly(allowed, denied, it))
                        << "round " << round << ", " << it.text();
                }
            }
        }
    }
}

}  // namespace
}  // namespace portsplit::core
