#include "dispatch/told_addresses.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>
#include <utility>
#include <vector>

namespace portsplit::dispatch {
namespace {

using Variables = std::vector<std::pair<const char*, const char*>>;

sys::Address address(const char* host, std::uint16_t port) {
    return *sys::Address::from(core::Endpoint{host, port});
}

/// Returns `PEER LOCAL` of a socket and an environment.
std::string told(const sys::Ends& of_socket, const Variables& variables) {
    for (const auto& [name, value] : variables) ::setenv(name, value, 1);
    const sys::Ends ends = told_ends(of_socket);
    for (const auto& [name, _] : variables) ::unsetenv(name);
    return ends.peer.text() + " " + ends.local.text();
}

const sys::Ends kLoopback{address("127.0.0.1", 5000), address("127.0.0.1", 443)};
const sys::Ends kRemote{address("192.0.2.7", 5000), address("192.0.2.1", 443)};
const sys::Ends kPipes{};

TEST(ToldEnds, BelievesTheSuperServerBehindLoopback) {
    // As stunnel 5.68 sets them.
    EXPECT_EQ(told(kLoopback, {{"REMOTE_HOST", "203.0.113.9"}, {"REMOTE_PORT", "777"}}),
              "203.0.113.9:777 127.0.0.1:443");
    EXPECT_EQ(told(kLoopback, {{"REMOTE_ADDR", "2001:db8::9"}, {"REMOTE_PORT", "777"}}),
              "[2001:db8::9]:777 127.0.0.1:443");
    EXPECT_EQ(told(kLoopback, {{"TCPREMOTEIP", "203.0.113.9"},
                               {"TCPREMOTEPORT", "777"},
                               {"TCPLOCALIP", "192.0.2.1"},
                               {"TCPLOCALPORT", "22"}}),
              "203.0.113.9:777 192.0.2.1:22");
}

TEST(ToldEnds, BelievesTheSuperServerBehindPipesAndUnixSockets) {
    // As socat 1.7.4 sets them.
    EXPECT_EQ(told(kPipes, {{"SOCAT_PEERADDR", "[0000:0000:0000:0000:0000:0000:0000:0001]"},
                            {"SOCAT_PEERPORT", "777"},
                            {"SOCAT_SOCKADDR", "192.0.2.1"},
                            {"SOCAT_SOCKPORT", "443"}}),
              "[::1]:777 192.0.2.1:443");
    // As ncat 7.93 sets them.
    EXPECT_EQ(told(kPipes, {{"NCAT_REMOTE_ADDR", "203.0.113.9"},
                            {"NCAT_REMOTE_PORT", "777"},
                            {"NCAT_LOCAL_ADDR", "192.0.2.1"},
                            {"NCAT_LOCAL_PORT", "443"}}),
              "203.0.113.9:777 192.0.2.1:443");
    EXPECT_EQ(told(kPipes, {}), "-:0 -:0");
}

TEST(ToldEnds, BelievesTheSocketWhereItsPeerCanBeTheClient) {
    for (const char* name : {"REMOTE_ADDR", "REMOTE_HOST", "SOCAT_PEERADDR", "NCAT_REMOTE_ADDR"}) {
        EXPECT_EQ(told(kRemote, {{name, "203.0.113.9"}}), "192.0.2.7:5000 192.0.2.1:443") << name;
    }
    // A super-server that decodes the PROXY protocol: the peer is the proxy.
    EXPECT_EQ(told(kRemote, {{"TCPREMOTEIP", "203.0.113.9"}, {"TCPREMOTEPORT", "777"}}),
              "203.0.113.9:777 192.0.2.1:443");
}

TEST(ToldEnds, IgnoresNamesAndKeepsAPortThatTheSocketKnows) {
    EXPECT_EQ(told(kLoopback, {{"REMOTE_HOST", "client.example.org"}, {"REMOTE_PORT", "777"}}),
              "127.0.0.1:5000 127.0.0.1:443");
    EXPECT_EQ(told(kLoopback, {{"REMOTE_HOST", "127.0.0.1"}}), "127.0.0.1:5000 127.0.0.1:443");
    EXPECT_EQ(told(kLoopback, {{"REMOTE_HOST", "127.0.0.9"}}), "127.0.0.9:0 127.0.0.1:443");
    for (const char* port : {"", "x", "70000", "-1", "22 "}) {
        EXPECT_EQ(told(kLoopback, {{"REMOTE_HOST", "203.0.113.9"}, {"REMOTE_PORT", port}}),
                  "127.0.0.1:5000 127.0.0.1:443")
            << port;
    }
}

}  // namespace
}  // namespace portsplit::dispatch
