#include "core/proxy_header.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portsplit::core {
namespace {

using namespace std::string_view_literals;

ProxyEnds ends(std::string_view client, std::uint16_t client_port, std::string_view server,
               std::uint16_t server_port) {
    return {ProxyEnds::Kind::Internet, *IpAddress::parse(client), *IpAddress::parse(server),
            client_port, server_port};
}

std::string in_hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += kDigits[byte >> 4];
        text += kDigits[byte & 0xF];
    }
    return text;
}

const std::string kSignature = "0d0a0d0a000d0a515549540a";

// The examples of proxy-protocol.txt 2.1.
TEST(ProxyHeaderV1, IsOneLine) {
    EXPECT_EQ(proxy_header_v1(ends("192.168.0.1", 56324, "192.168.0.11", 443)),
              "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n");
    const std::string longest_v4 =
        proxy_header_v1(ends("255.255.255.255", 65535, "255.255.255.255", 65535));
    EXPECT_EQ(longest_v4, "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n");
    EXPECT_EQ(longest_v4.size(), 56U);
    const std::string_view full = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    EXPECT_EQ(proxy_header_v1(ends(full, 65535, full, 65535)).size(), 104U);
    EXPECT_EQ(proxy_header_v1({}), "PROXY UNKNOWN\r\n");
}

TEST(ProxyHeaderV1, WritesMixedFamiliesAsIpv6) {
    EXPECT_EQ(proxy_header_v1(ends("192.0.2.7", 1, "2001:db8::1", 2)),
              "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 2\r\n");
    EXPECT_EQ(proxy_header_v1(ends("2001:db8::1", 1, "192.0.2.7", 2)),
              "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.7 1 2\r\n");
}

TEST(ProxyHeaderV2, HasAddressesAndPorts) {
    EXPECT_EQ(in_hex(proxy_header_v2(ends("192.0.2.7", 50022, "192.0.2.1", 443), {}, false)),
              kSignature + "2111000c" + "c0000207c0000201c36601bb");
    EXPECT_EQ(in_hex(proxy_header_v2(ends("2001:db8::7", 1, "::1", 2), {}, false)),
              kSignature + "21210024" + "20010db8000000000000000000000007" +
                  "00000000000000000000000000000001" + "00010002");
    EXPECT_EQ(in_hex(proxy_header_v2(ends("192.0.2.7", 1, "::1", 2), {}, false)),
              kSignature + "21210024" + "00000000000000000000ffffc0000207" +
                  "00000000000000000000000000000001" + "00010002");
}

// As HAProxy sends it. HAProxy and Apache reset a connection of an unknown family, or of paths.
TEST(ProxyHeaderV2, IsLocalForAClientWithoutAnAddress) {
    EXPECT_EQ(in_hex(proxy_header_v2({}, {}, false)), kSignature + "20000000");
    ProxyEnds ends;
    ends.kind = ProxyEnds::Kind::Local;
    EXPECT_EQ(in_hex(proxy_header_v2(ends, {}, false)), kSignature + "20000000");
    ends.kind = ProxyEnds::Kind::Unix;
    ends.client_path = "/client";
    ends.server_path = "/server";
    EXPECT_EQ(in_hex(proxy_header_v2(ends, {}, false)), kSignature + "20000000");
}

TEST(ProxyHeaderV2, HasValues) {
    const std::vector<ProxyTlv> tlvs{{ProxyTlv::kAuthority, "a.example"}, {0xE0, ""}};
    EXPECT_EQ(in_hex(proxy_header_v2({}, tlvs, false)),
              kSignature + "2000000f" + "020009" + in_hex("a.example") + "e00000");
}

TEST(ProxyHeaderV2, HasAChecksumOfItself) {
    const std::vector<ProxyTlv> tlvs{{ProxyTlv::kUniqueId, "x"}};
    std::string header = proxy_header_v2(ends("192.0.2.7", 1, "192.0.2.1", 2), tlvs, true);
    ASSERT_EQ(header.size(), 16U + 12 + 4 + 7);
    const std::string sum = in_hex(header.substr(header.size() - 4));
    header.replace(header.size() - 4, 4, 4, '\0');
    const std::uint32_t expected = crc32c(header);
    std::string bytes;
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(expected >> shift & 0xff);
    EXPECT_EQ(sum, in_hex(bytes));
}

// RFC 3720 B.4, and the check value that catalogues of checksums give.
TEST(Crc32c, AgreesWithThePublishedValues) {
    EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
    EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43U);
    EXPECT_EQ(crc32c(""), 0U);
}

}  // namespace
}  // namespace portsplit::core
