#include "cli/packet.h"

#include <gtest/gtest.h>
#include <pcap/dlt.h>

#include <cstddef>
#include <optional>
#include <string>

#include "core/bytes.h"
#include "support/packets.h"

namespace portsplit::cli {
namespace {

std::optional<Segment> segment(int link_type, const std::string& packet) {
    return segment_in(link_type, core::as_bytes(packet));
}

std::string payload_of(const std::optional<Segment>& segment) {
    if (!segment) return "no segment";
    std::string text;
    for (const std::byte byte : segment->payload) text += std::to_integer<char>(byte);
    return text;
}

TEST(Packet, ReturnsTheEndsFlagsAndPayload) {
    // A variable, since the payload points into it.
    const std::string packet =
        ethernet(ipv4(tcp({.sequence = 77, .flags = kSyn | kFin, .payload = "SSH-"})));
    const auto found = segment(DLT_EN10MB, packet);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->source, (core::Endpoint{"192.0.2.7", 50022}));
    EXPECT_EQ(found->destination, (core::Endpoint{"192.0.2.1", 443}));
    EXPECT_EQ(found->sequence, 77U);
    EXPECT_TRUE(found->syn);
    EXPECT_TRUE(found->fin);
    EXPECT_FALSE(found->ack);
    EXPECT_EQ(payload_of(found), "SSH-");
}

TEST(Packet, SkipsEveryLinkHeader) {
    const std::string v4 = ipv4(tcp({.payload = "four"}));
    const std::string v6 = ipv6(tcp({.payload = "six"}));
    const struct {
        const char* text;
        int link_type;
        std::string packet;
        const char* payload;
    } cases[] = {
        {"Ethernet, IPv6", DLT_EN10MB, ethernet(v6, 0x86DD), "six"},
        {"VLAN", DLT_EN10MB, ethernet(number(5, 2) + number(0x0800, 2) + v4, 0x8100), "four"},
        {"cooked", DLT_LINUX_SLL, std::string(14, '\0') + number(0x0800, 2) + v4, "four"},
        {"cooked v2", DLT_LINUX_SLL2, number(0x86DD, 2) + std::string(18, '\0') + v6, "six"},
        {"raw IPv4", DLT_RAW, v4, "four"},
        {"raw IPv6", DLT_RAW, v6, "six"},
        {"BSD loopback", DLT_NULL, number(2, 4) + v4, "four"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(payload_of(segment(c.link_type, c.packet)), c.payload) << c.text;
        EXPECT_TRUE(is_known_link(c.link_type)) << c.text;
    }
    EXPECT_FALSE(is_known_link(DLT_IEEE802_11));
}

TEST(Packet, SkipsOptionsAndExtensionHeaders) {
    const std::string with_options = ipv4(tcp({.payload = "x", .options = std::string(8, '\1')}));
    EXPECT_EQ(payload_of(segment(DLT_RAW, with_options)), "x");
    const std::string hop_by_hop = number(6, 1) + number(0, 1) + std::string(6, '\0');
    EXPECT_EQ(payload_of(segment(DLT_RAW, ipv6(hop_by_hop + tcp({.payload = "x"}), 0))), "x");
}

TEST(Packet, DropsThePaddingOfTheFrame) {
    EXPECT_EQ(payload_of(segment(DLT_EN10MB, ethernet(ipv4(tcp({})) + std::string(6, '\0')))), "");
}

TEST(Packet, ReturnsNothingWithoutASegment) {
    const struct {
        const char* text;
        std::string packet;
    } cases[] = {
        {"UDP", ipv4(tcp({}), 0, 17)},
        {"later fragment", ipv4(tcp({}), 100)},
        {"first fragment", ipv4(tcp({}), 0x2000)},
        {"UDP over IPv6", ipv6(tcp({}), 17)},
        {"version 0", std::string(60, '\0')},
        {"IPv4 header of 16 bytes", std::string(1, '\x44') + ipv4(tcp({})).substr(1)},
        {"TCP header of 16 bytes", ipv4(tcp({}).replace(12, 1, "\x40") + std::string(20, '\0'))},
    };
    for (const auto& c : cases) EXPECT_FALSE(segment(DLT_RAW, c.packet)) << c.text;
}

TEST(Packet, ReturnsNothingForAPacketThatIsCut) {
    for (const std::string& whole : {ipv4(tcp({})), ipv6(tcp({}))}) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            // A separate copy, so that AddressSanitizer reports a read beyond it.
            const std::string cut(whole.substr(0, size));
            EXPECT_FALSE(segment(DLT_RAW, cut)) << size;
        }
        EXPECT_TRUE(segment(DLT_RAW, whole));
    }
}

}  // namespace
}  // namespace portsplit::cli
