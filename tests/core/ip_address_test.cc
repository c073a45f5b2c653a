#include "core/ip_address.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace portsplit::core {
namespace {

/// Returns the text of what was read, or `no address`.
std::string read_back(std::string_view text) {
    const auto address = IpAddress::parse(text);
    return address ? address->text() : "no address";
}

TEST(IpAddress, HasOneTextForEveryForm) {
    struct Case {
        std::string_view written;
        std::string_view text;
    };
    const Case cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"2001:DB8::10", "2001:db8::10"},
        {"2001:0db8:0000:0000:0000:0000:0000:0010", "2001:db8::10"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"::0", "::"},
        {"0::", "::"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::FFFF:C000:0201", "192.0.2.1"},
        {"0:0:0:0:0:ffff:0.0.0.0", "0.0.0.0"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"fe80::1", "fe80::1"},
    };
    for (const Case& c : cases) EXPECT_EQ(read_back(c.written), c.text) << c.written;
}

TEST(IpAddress, RefusesOtherTexts) {
    for (const std::string_view text :
         {"", "*", "192.0.2", "192.0.2.1.", "192.0.2.256", "010.0.0.1", " 192.0.2.1", "[::1]",
          "::1%lo", "1::2::3", "localhost", "::ffff:1.2.3", "12345::"}) {
        EXPECT_EQ(read_back(text), "no address") << text;
    }
    EXPECT_EQ(read_back(std::string_view("::1\0", 4)), "no address");
}

TEST(IpAddress, ComparesAddressesAndNotTexts) {
    EXPECT_EQ(IpAddress::parse("::ffff:127.0.0.1"), IpAddress::loopback_v4());
    EXPECT_EQ(IpAddress::parse("0:0::1"), IpAddress::loopback_v6());
    EXPECT_NE(IpAddress::any_v4(), IpAddress::any_v6());
    EXPECT_NE(IpAddress::parse("::1"), IpAddress::parse("0.0.0.1"));
}

TEST(IpAddress, CountsForAnIPv4AddressOrAnIPv6Prefix) {
    EXPECT_EQ(IpAddress::parse("192.0.2.1")->source(), "192.0.2.1");
    EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1")->source(), "192.0.2.1");
    EXPECT_EQ(IpAddress::parse("2001:db8:1:2:3:4:5:6")->source(), "2001:db8:1:2::/64");
    EXPECT_EQ(IpAddress::parse("::1")->source(), "::1");
}

TEST(IpAddress, KnowsAnyAndLoopback) {
    for (const std::string_view text : {"0.0.0.0", "::", "0:0:0:0:0:0:0:0"}) {
        EXPECT_TRUE(IpAddress::parse(text)->is_any()) << text;
        EXPECT_FALSE(IpAddress::parse(text)->is_loopback()) << text;
    }
    for (const std::string_view text : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
        EXPECT_TRUE(IpAddress::parse(text)->is_loopback()) << text;
        EXPECT_FALSE(IpAddress::parse(text)->is_any()) << text;
    }
    for (const std::string_view text : {"128.0.0.1", "::2", "::7f00:1", "::127.0.0.1"}) {
        EXPECT_FALSE(IpAddress::parse(text)->is_loopback()) << text;
    }
}

TEST(IpAddress, IsReachedThroughLoopbackIfItIsAny) {
    EXPECT_EQ(IpAddress::any_v4().reached().text(), "127.0.0.1");
    EXPECT_EQ(IpAddress::any_v6().reached().text(), "::1");
    EXPECT_EQ(IpAddress::parse("192.0.2.1")->reached().text(), "192.0.2.1");
}

TEST(IpAddress, HasAFirstAndALastWithTheSameBits) {
    const auto range = [](std::string_view text, std::size_t length) {
        const IpAddress address = *IpAddress::parse(text);
        return address.first_of(length).text() + "-" + address.last_of(length).text();
    };
    EXPECT_EQ(range("192.0.2.77", 24), "192.0.2.0-192.0.2.255");
    EXPECT_EQ(range("192.0.2.77", 26), "192.0.2.64-192.0.2.127");
    EXPECT_EQ(range("192.0.2.77", 32), "192.0.2.77-192.0.2.77");
    EXPECT_EQ(range("192.0.2.77", 0), "0.0.0.0-255.255.255.255");
    EXPECT_EQ(range("2001:db8::1", 33), "2001:db8::-2001:db8:7fff:ffff:ffff:ffff:ffff:ffff");
    EXPECT_EQ(range("2001:db8::1", 128), "2001:db8::1-2001:db8::1");
}

TEST(IpAddress, HasANextOne) {
    const auto next = [](std::string_view text) {
        const auto address = IpAddress::parse(text)->next();
        return address ? address->text() : "none";
    };
    EXPECT_EQ(next("192.0.2.255"), "192.0.3.0");
    EXPECT_EQ(next("255.255.255.255"), "none");
    EXPECT_EQ(next("2001:db8::ffff"), "2001:db8::1:0");
    EXPECT_EQ(next("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "none");
    EXPECT_LT(*IpAddress::parse("9.0.0.0"), *IpAddress::parse("10.0.0.0"));
    EXPECT_LT(*IpAddress::parse("ffff::"), *IpAddress::parse("0.0.0.0"));
}

}  // namespace
}  // namespace portsplit::core
