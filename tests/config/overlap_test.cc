#include "config/overlap.h"

#include <gtest/gtest.h>

namespace portsplit::config {
namespace {

using core::Endpoint;

TEST(Collide, IsTrueForOnePortOfOneFamily) {
    struct Case {
        Endpoint a;
        Endpoint b;
        bool expected;
    };
    const Case cases[] = {
        {{"0.0.0.0", 443}, {"0.0.0.0", 443}, true},
        {{"0.0.0.0", 443}, {"::", 443}, false},
        {{"0.0.0.0", 443}, {"0.0.0.0", 80}, false},
        {{"0.0.0.0", 0}, {"0.0.0.0", 0}, false},
        {{"*", 443}, {"0.0.0.0", 443}, true},
        {{"*", 443}, {"::", 443}, true},
        {{"*", 443}, {"192.0.2.1", 443}, true},
        {{"0.0.0.0", 443}, {"192.0.2.1", 443}, true},
        {{"192.0.2.1", 443}, {"192.0.2.2", 443}, false},
        {{"2001:db8::1", 443}, {"2001:DB8:0::1", 443}, true},
        {{"", 443}, {"", 443}, false},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(collide(c.a, c.b), c.expected) << to_string(c.a) << " " << to_string(c.b);
        EXPECT_EQ(collide(c.b, c.a), c.expected) << to_string(c.b) << " " << to_string(c.a);
    }
}

TEST(LeadsBack, IsTrueForATargetThatReachesTheBoundSocket) {
    struct Case {
        Endpoint target;
        Endpoint bind;
        bool expected;
    };
    const Case cases[] = {
        {{"192.0.2.1", 443}, {"192.0.2.1", 443}, true},
        {{"192.0.2.1", 8443}, {"192.0.2.1", 443}, false},
        {{"192.0.2.2", 443}, {"192.0.2.1", 443}, false},
        {{"127.0.0.1", 443}, {"0.0.0.0", 443}, true},
        {{"127.9.9.9", 443}, {"0.0.0.0", 443}, true},
        {{"127.0.0.1", 443}, {"*", 443}, true},
        {{"127.0.0.1", 443}, {"::", 443}, false},
        {{"127.0.0.2", 443}, {"127.0.0.1", 443}, false},
        {{"::1", 443}, {"::", 443}, true},
        {{"::1", 443}, {"*", 443}, true},
        {{"::1", 443}, {"0.0.0.0", 443}, false},
        {{"0.0.0.0", 443}, {"0.0.0.0", 443}, true},
        {{"0.0.0.0", 443}, {"127.0.0.1", 443}, true},
        {{"::", 443}, {"*", 443}, true},
        {{"::ffff:127.0.0.1", 443}, {"0.0.0.0", 443}, true},
        {{"localhost", 443}, {"0.0.0.0", 443}, true},
        {{"LocalHost.", 443}, {"::", 443}, true},
        {{"x.localhost", 443}, {"0.0.0.0", 443}, true},
        {{"foo.X.LocalHost.", 443}, {"::1", 443}, true},
        {{"x.localhost", 8443}, {"0.0.0.0", 443}, false},
        {{"xlocalhost", 443}, {"*", 443}, false},
        {{"localhost.example", 443}, {"*", 443}, false},
        {{"localhost", 443}, {"192.0.2.1", 443}, false},
        {{"localhos", 443}, {"*", 443}, false},
        {{"192.0.2.1", 443}, {"*", 443}, false},
        {{"backend", 443}, {"*", 443}, false},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(leads_back(c.target, c.bind), c.expected)
            << to_string(c.target) << " " << to_string(c.bind);
    }
}

}  // namespace
}  // namespace portsplit::config
