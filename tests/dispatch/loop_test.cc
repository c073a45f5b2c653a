#include "dispatch/loop.h"

#include <gtest/gtest.h>

#include <string>

namespace portsplit::dispatch {
namespace {

sys::Address address(const char* host, std::uint16_t port) {
    return *sys::Address::from(core::Endpoint{host, port});
}

TEST(ListenersIn, ReadsAddressesAsTheDaemonWritesThem) {
    EXPECT_EQ(listeners_in(""), core::List<core::Endpoint>{});
    EXPECT_EQ(listeners_in("127.0.0.1:80 [::1]:443 *:22 nonsense x:y"),
              (core::List<core::Endpoint>{{"127.0.0.1", 80}, {"::1", 443}, {"*", 22}}));
}

TEST(LeadsBack, FindsTheBindsOfTheConfiguration) {
    struct Case {
        core::Endpoint bind;
        sys::Address target;
        bool expected;
    };
    const Case cases[] = {
        {{"127.0.0.1", 443}, address("127.0.0.1", 443), true},
        {{"127.0.0.1", 443}, address("127.0.0.1", 444), false},
        {{"127.0.0.1", 443}, address("127.0.0.2", 443), false},
        {{"127.0.0.1", 443}, address("0.0.0.0", 443), true},
        {{"0.0.0.0", 443}, address("127.9.9.9", 443), true},
        {{"0.0.0.0", 443}, address("::1", 443), false},
        {{"::", 443}, address("::1", 443), true},
        {{"::", 443}, address("127.0.0.1", 443), false},
        {{"::1", 443}, address("::", 443), true},
        {{"*", 443}, address("127.0.0.1", 443), true},
        {{"*", 443}, address("::1", 443), true},
        // RFC 5737: no machine has this address.
        {{"0.0.0.0", 443}, address("192.0.2.1", 443), false},
        {{"*", 443}, address("192.0.2.1", 443), false},
        {{"192.0.2.1", 443}, address("192.0.2.1", 443), true},
    };
    for (const Case& c : cases) {
        const core::List<core::Endpoint> binds{{"198.51.100.1", 80}, c.bind};
        EXPECT_EQ(leads_back(c.target, {binds, {}}), c.expected)
            << core::to_string(c.bind) << " " << c.target.text();
    }
}

TEST(LeadsBack, FindsTheAddressThatTheClientCameTo) {
    const core::List<core::Endpoint> binds;
    const OwnListeners own{binds, address("192.0.2.1", 443)};
    EXPECT_TRUE(leads_back(address("192.0.2.1", 443), own));
    EXPECT_FALSE(leads_back(address("192.0.2.1", 80), own));
    EXPECT_FALSE(leads_back(address("192.0.2.2", 443), own));
    EXPECT_FALSE(leads_back(address("127.0.0.1", 0), {binds, {}}));
}

}  // namespace
}  // namespace portsplit::dispatch
