#include "dispatch/resolve.h"

#include <ares.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "support/child.h"
#include "support/folder.h"
#include "support/loopback.h"
#include "support/unprivileged.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using sys::UniqueFd;
using namespace std::chrono_literals;

std::vector<std::string> addresses_of(const std::string& host, Clock::duration limit = 5s) {
    std::vector<std::string> texts;
    for (const auto& address : resolve({core::Text(host), 443}, Clock::now() + limit).addresses) {
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
        const Resolved resolved = resolve({core::Text(host), 443}, Clock::now() + 1s);
        EXPECT_TRUE(resolved.addresses.empty()) << host;
        EXPECT_NE(resolved.error, ARES_SUCCESS) << host;
    }
}

TEST(Resolve, ReturnsAtOnceWhenTheTimeIsOver) {
    for (const auto limit : {-1000ms, 0ms}) {
        const Resolved resolved = resolve({"portsplit.invalid", 443}, Clock::now() + limit);
        EXPECT_TRUE(resolved.addresses.empty());
        EXPECT_NE(resolved.error, ARES_SUCCESS);
    }
}

/// Returns a UDP socket on port 53 of a host.
UniqueFd name_server_on(const std::string& host) {
    const auto address = *sys::Address::from({core::Text(host), 53});
    UniqueFd server(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (::bind(server.get(), address.data(), address.size()) < 0) server.reset();
    return server;
}

/// Moves this process to a network of its own, which has the loopback interface only, and lets it find
/// two name servers there.
/// @returns false if that fails
bool enter_network_with_two_name_servers() {
    const Folder folder;
    std::ofstream(folder / "resolv.conf") << "nameserver 127.0.0.1\nnameserver 127.0.0.2\n";
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0 ||
        ::mount((folder / "resolv.conf").c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) <
            0) {
        return false;
    }
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq loopback{};
    std::strcpy(loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP;
    return ::ioctl(socket.get(), SIOCSIFFLAGS, &loopback) == 0;
}

/// Returns what `work` returns in a network with two name servers that never answer.
/// @param work  called with the socket of the second one
std::string with_silent_name_servers(const std::function<std::string(int second)>& work) {
    return loopback::text_of_child([&]() -> std::string {
        if (!enter_network_with_two_name_servers()) return sys::error_text(errno);
        const UniqueFd first = name_server_on("127.0.0.1");
        const UniqueFd second = name_server_on("127.0.0.2");
        return first && second ? work(second.get()) : "no name server";
    });
}

// fault: E2
TEST(Resolve, WaitsForASilentNameServerUntilTheDeadline) {
    if (loopback::may_skip_root()) GTEST_SKIP() << "needs root";
    EXPECT_EQ(with_silent_name_servers([](int) -> std::string {
                  const auto until = Clock::now() + 300ms;
                  const Resolved resolved = resolve({"portsplit.example", 443}, until);
                  if (Clock::now() < until) return "returned early";
                  // c-ares ends by itself after three rounds, of 2, 4 and 8 s.
                  if (Clock::now() > until + 5s) return "returned late";
                  return resolve_error_text(resolved.error);
              }),
              resolve_error_text(ARES_ETIMEOUT));
}

// fault: E2
TEST(Resolve, AsksTheNextNameServerAfterASecond) {
    if (loopback::may_skip_root()) GTEST_SKIP() << "needs root";
    EXPECT_EQ(with_silent_name_servers([](int second) {
                  resolve({"portsplit.example", 443}, Clock::now() + 1500ms);
                  const bool asked = loopback::events_of(second, POLLIN, 0ms) != 0;
                  return asked ? "asked" : "not asked";
              }),
              "asked");
}

TEST(ResolveErrorText, ReturnsTheWordsOfCAres) {
    EXPECT_EQ(resolve_error_text(ARES_ENOTFOUND), "Domain name not found");
    EXPECT_EQ(resolve_error_text(ARES_ETIMEOUT), "Timeout while contacting DNS servers");
    EXPECT_EQ(resolve_error_text(-1), "unknown");
    EXPECT_EQ(resolve_error_text(99999), "unknown");
}

}  // namespace
}  // namespace portsplit::dispatch
