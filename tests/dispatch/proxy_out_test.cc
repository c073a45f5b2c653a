#include "dispatch/proxy_out.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

/// Returns the id in the header that a target gets.
std::string id_of(const sys::Address& peer, const sys::Address& local) {
    core::Connect connect = to("127.0.0.1", 1);
    connect.proxy = core::ProxyHeader::V2;
    connect.proxy_tlv.emplace_back(core::kUniqueIdWord);
    const std::string header = proxy_header(connect, Origin{{peer, local}}, {});
    const auto is_v4 = peer.is_internet() && peer.ip().is_v4() && local.ip().is_v4();
    const std::size_t addresses = !peer.is_internet() ? 0 : is_v4 ? 12 : 36;
    EXPECT_EQ(header.at(16 + addresses), char{core::ProxyTlv::kUniqueId});
    return header.substr(16 + addresses + 3);
}

sys::Address internet(std::string_view ip) {
    return sys::Address::from(*core::IpAddress::parse(ip), 65535);
}

TEST(UniqueId, HasBothEnds) {
    EXPECT_TRUE(id_of(internet("192.0.2.7"), internet("192.0.2.1"))
                    .starts_with("192.0.2.7/65535_192.0.2.1/65535_"));
    EXPECT_TRUE(id_of(sys::Address::of_unix(""), sys::Address::of_unix("/run/a"))
                    .starts_with("unix/0_/run/a/0_"));
}

// proxy-protocol.txt 2.2.5. HAProxy resets a connection with a longer one.
TEST(UniqueId, HasAtMost128Bytes) {
    const std::string most = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255";
    EXPECT_LE(id_of(internet(most), internet(most)).size(), 128U);
    std::set<std::string> ids;
    for (const char last : {'a', 'b'}) {
        for (const char first : {'/', '\n'}) {
            const auto path = sys::Address::of_unix(first + std::string(106, 'x') + last);
            const std::string id = id_of(path, path);
            EXPECT_LE(id.size(), 128U) << id;
            EXPECT_FALSE(id.starts_with("/")) << "no part of a path";
            ids.insert(id);
        }
    }
    EXPECT_EQ(ids.size(), 4U) << "the paths are still told apart";
}

}  // namespace
}  // namespace portsplit::dispatch
