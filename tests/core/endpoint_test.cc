#include "core/endpoint.h"

#include <gtest/gtest.h>

#include <string>

namespace portsplit::core {
namespace {

TEST(EndpointToString, ReturnsHostAndPort) {
    EXPECT_EQ(to_string(Endpoint{"192.0.2.1", 443}), "192.0.2.1:443");
    EXPECT_EQ(to_string(Endpoint{"vpn.example.org", 1194}), "vpn.example.org:1194");
    EXPECT_EQ(to_string(Endpoint{"*", 80}), "*:80");
}

TEST(EndpointToString, PutsBracketsAroundAnIPv6AddressOnly) {
    EXPECT_EQ(to_string(Endpoint{"::", 8998}), "[::]:8998");
    EXPECT_EQ(to_string(Endpoint{"2001:db8::1", 22}), "[2001:db8::1]:22");
    EXPECT_EQ(to_string(Endpoint{"fe80::1%eth0", 22}), "[fe80::1%eth0]:22");
}

TEST(EndpointToString, ReturnsTheLowestAndTheHighestPort) {
    EXPECT_EQ(to_string(Endpoint{"127.0.0.1", 0}), "127.0.0.1:0");
    EXPECT_EQ(to_string(Endpoint{"127.0.0.1", 65535}), "127.0.0.1:65535");
}

TEST(IsLocalhost, IsTrueForTheNameAndEveryNameBelowIt) {
    for (const char* host : {"localhost", "localhost.", "LocalHost", "x.localhost", "X.y.LOCALHOST",
                             "foo.localhost.", "_a-b.localhost"}) {
        EXPECT_TRUE(is_localhost(host)) << host;
    }
}

TEST(IsLocalhost, IsFalseForOtherNames) {
    for (const char* host :
         {"", ".", "localhos", "ocalhost", "xlocalhost", "localhost.x", "localhost..", ".localhost",
          "x.localhosts", "localhost.localdomain", "ip6-localhost", "127.0.0.1", "::1", "*"}) {
        EXPECT_FALSE(is_localhost(host)) << host;
    }
}

TEST(Endpoint, IsEqualWhenHostAndPortAreEqual) {
    EXPECT_EQ((Endpoint{"::1", 22}), (Endpoint{"::1", 22}));
    EXPECT_NE((Endpoint{"::1", 22}), (Endpoint{"::1", 23}));
    EXPECT_NE((Endpoint{"::1", 22}), (Endpoint{"::2", 22}));
}

}  // namespace
}  // namespace portsplit::core
