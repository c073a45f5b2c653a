#include "dispatch/environment.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/loopback.h"

namespace portsplit::dispatch {
namespace {

using Entries = std::vector<std::string>;

Client client_of(const std::string& peer, const std::string& local) {
    return {sys::UniqueFd(),
            *sys::Address::from(core::Endpoint{peer, 50022}),
            *sys::Address::from(core::Endpoint{local, 443}),
            {}};
}

TEST(CleanEnvironment, IsAPathAndNothingElse) {
    EXPECT_EQ(clean_environment(),
              (Entries{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}));
}

TEST(ProgramEnvironment, SaysWhoIsThereInEveryConvention) {
    EXPECT_EQ(program_environment({"PATH=/bin"}, client_of("192.0.2.7", "192.0.2.1"), "ssh",
                                  core::Reason::Match),
              (Entries{"PATH=/bin", "PORTSPLIT_SERVICE=ssh", "PORTSPLIT_REASON=match", "PROTO=TCP",
                       "TCPREMOTEIP=192.0.2.7", "TCPREMOTEPORT=50022", "TCPLOCALIP=192.0.2.1",
                       "TCPLOCALPORT=443", "REMOTE_ADDR=192.0.2.7", "REMOTE_PORT=50022",
                       "REMOTE_HOST=192.0.2.7"}));
}

TEST(ProgramEnvironment, SaysTcpForIPv6TooAndNoBrackets) {
    EXPECT_EQ(program_environment({}, client_of("2001:db8::7", "2001:db8::1"), "web",
                                  core::Reason::Fallback),
              (Entries{"PORTSPLIT_SERVICE=web", "PORTSPLIT_REASON=fallback", "PROTO=TCP",
                       "TCPREMOTEIP=2001:db8::7", "TCPREMOTEPORT=50022", "TCPLOCALIP=2001:db8::1",
                       "TCPLOCALPORT=443", "REMOTE_ADDR=2001:db8::7", "REMOTE_PORT=50022",
                       "REMOTE_HOST=2001:db8::7"}));
}

TEST(ProgramEnvironment, SaysIPv4ForAMappedPeer) {
    const Entries entries = program_environment(
        {}, client_of("::ffff:192.0.2.7", "::ffff:192.0.2.1"), "web", core::Reason::Timeout);
    EXPECT_EQ(entries[1], "PORTSPLIT_REASON=timeout");
    EXPECT_EQ(entries[3], "TCPREMOTEIP=192.0.2.7");
    EXPECT_EQ(entries[5], "TCPLOCALIP=192.0.2.1");
}

TEST(ProgramEnvironment, ReplacesWhatWasInherited) {
    EXPECT_EQ(program_environment({"REMOTE_ADDR=203.0.113.9", "PROTO=UDP", "PROTOCOL=kept",
                                   "REMOTE_ADDR=twice", "PORTSPLIT_SERVICE=forged", "HOME=/"},
                                  client_of("192.0.2.7", "192.0.2.1"), "ssh", core::Reason::Match),
              (Entries{"PROTOCOL=kept", "HOME=/", "PORTSPLIT_SERVICE=ssh", "PORTSPLIT_REASON=match",
                       "PROTO=TCP", "TCPREMOTEIP=192.0.2.7", "TCPREMOTEPORT=50022",
                       "TCPLOCALIP=192.0.2.1", "TCPLOCALPORT=443", "REMOTE_ADDR=192.0.2.7",
                       "REMOTE_PORT=50022", "REMOTE_HOST=192.0.2.7"}));
}

TEST(ProgramEnvironment, LeavesTheAddressesOfAUnixDomainPeerOut) {
    const loopback::Pair pair = loopback::unix_pair();
    const Client client{sys::UniqueFd(),
                        *sys::peer_address(pair.near.get()),
                        *sys::local_address(pair.near.get()),
                        {}};
    EXPECT_EQ(program_environment({"PATH=/bin"}, client, "ssh", core::Reason::Match),
              (Entries{"PATH=/bin", "PORTSPLIT_SERVICE=ssh", "PORTSPLIT_REASON=match"}));
}

}  // namespace
}  // namespace portsplit::dispatch
