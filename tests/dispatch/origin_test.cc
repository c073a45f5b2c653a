#include "dispatch/origin.h"

#include <gtest/gtest.h>

#include <string>

namespace portsplit::dispatch {
namespace {

using core::ProxyEnds;
using Kind = ProxyEnds::Kind;

sys::Arrival peers() {
    return {{},
            {sys::Address::from(*core::IpAddress::parse("127.0.0.9"), 9),
             sys::Address::from(*core::IpAddress::parse("127.0.0.1"), 1)}};
}

TEST(Origin, IsWhatTheHeaderSays) {
    const ProxyEnds v6{Kind::Internet,
                       *core::IpAddress::parse("2001:db8::7"),
                       *core::IpAddress::parse("::1"),
                       7,
                       443,
                       {},
                       {}};
    EXPECT_EQ(text_of(origin_of(v6, peers()).ends), "src=2001:db8::7 sport=7 dst=::1 dport=443");
    ProxyEnds paths;
    paths.kind = Kind::Unix;
    paths.client_path = "/client";
    paths.server_path = "/server";
    EXPECT_EQ(text_of(origin_of(paths, peers()).ends), "src=unix sport=0 dst=/server dport=0");
    for (const Kind kind : {Kind::Unknown, Kind::Local}) {
        const Origin origin = origin_of({kind, {}, {}, 0, 0, {}, {}}, peers());
        EXPECT_EQ(text_of(origin.ends), "src=127.0.0.9 sport=9 dst=127.0.0.1 dport=1");
        EXPECT_FALSE(origin.is_told());
    }
}

TEST(ProxyEndsOfAnOrigin, AreThoseThatCame) {
    ProxyEnds paths;
    paths.kind = Kind::Unix;
    paths.client_path = std::string("\0a", 2);
    const ProxyEnds v4{Kind::Internet,
                       *core::IpAddress::parse("192.0.2.7"),
                       *core::IpAddress::parse("192.0.2.1"),
                       7,
                       443,
                       {},
                       {}};
    for (const ProxyEnds& ends : {v4, paths, ProxyEnds{}, {Kind::Local, {}, {}, 0, 0, {}, {}}}) {
        EXPECT_EQ(proxy_ends(origin_of(ends, peers())), ends);
    }
    EXPECT_EQ(proxy_ends(origin_of(peers())).client_port, 9)
        << "without a header: those of the socket";
    EXPECT_EQ(proxy_ends(origin_of(sys::Arrival{})).kind, Kind::Unknown)
        << "on pipes nothing is known";
}

TEST(Origin, HasTheCredentialsOfTheSocketUnlessAHeaderNamesSomebodyElse) {
    sys::Arrival arrival = peers();
    EXPECT_FALSE(origin_of(arrival).credentials);
    arrival.credentials = {33, 34, 4711};
    EXPECT_EQ(origin_of(arrival).credentials->user, 33U);
    EXPECT_TRUE(origin_of({Kind::Local, {}, {}, 0, 0, {}, {}}, arrival).credentials);
    EXPECT_FALSE(origin_of({Kind::Internet, {}, {}, 0, 0, {}, {}}, arrival).credentials);
}

}  // namespace
}  // namespace portsplit::dispatch
