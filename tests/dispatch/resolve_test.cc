#include "dispatch/resolve.h"

#include <ares.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using namespace std::chrono_literals;

std::vector<std::string> addresses_of(const std::string& host, Clock::duration limit = 5s) {
    std::vector<std::string> texts;
    for (const auto& address : resolve({host, 443}, Clock::now() + limit).addresses) {
        texts.push_back(address.text());
    }
    return texts;
}

TEST(Resolve, ReturnsANumericAddressUnchanged) {
    EXPECT_EQ(addresses_of("192.0.2.1"), std::vector<std::string>{"192.0.2.1:443"});
    EXPECT_EQ(addresses_of("2001:db8::1"), std::vector<std::string>{"[2001:db8::1]:443"});
}

TEST(Resolve, ReturnsANumericAddressAfterTheDeadline) {
    EXPECT_EQ(addresses_of("192.0.2.1", -1h), std::vector<std::string>{"192.0.2.1:443"});
}

TEST(Resolve, FindsLocalhost) {
    const auto addresses = addresses_of("localhost");
    ASSERT_FALSE(addresses.empty());
    for (const std::string& address : addresses) {
        EXPECT_TRUE(address == "127.0.0.1:443" || address == "[::1]:443") << address;
    }
    EXPECT_NE(std::find(addresses.begin(), addresses.end(), "127.0.0.1:443"), addresses.end());
}

TEST(Resolve, FailsForAnInvalidName) {
    for (const std::string& host : {std::string(), std::string(300, 'x'), std::string("a..b")}) {
        const Resolved resolved = resolve({host, 443}, Clock::now() + 1s);
        EXPECT_TRUE(resolved.addresses.empty()) << host;
        EXPECT_NE(resolved.error, ARES_SUCCESS) << host;
    }
}

TEST(Resolve, ReturnsAtTheDeadline) {
    // This name never exists (RFC 6761 6.4), but the name server may take any time to answer.
    for (const auto limit : {-1000ms, 0ms, 200ms}) {
        const auto begin = Clock::now();
        const Resolved resolved = resolve({"portsplit.invalid", 443}, begin + limit);
        EXPECT_LT(Clock::now() - begin, 2s);
        EXPECT_TRUE(resolved.addresses.empty());
        EXPECT_NE(resolved.error, ARES_SUCCESS);
    }
}

TEST(ResolveErrorText, ReturnsTheWordsOfCAres) {
    EXPECT_EQ(resolve_error_text(ARES_ENOTFOUND), "Domain name not found");
    EXPECT_EQ(resolve_error_text(ARES_ETIMEOUT), "Timeout while contacting DNS servers");
    EXPECT_EQ(resolve_error_text(-1), "unknown");
    EXPECT_EQ(resolve_error_text(99999), "unknown");
}

}  // namespace
}  // namespace portsplit::dispatch
