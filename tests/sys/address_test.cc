#include "sys/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/un.h>

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "support/folder.h"
#include "support/loopback.h"

namespace portsplit::sys {
namespace {

static_assert(std::is_trivially_copyable_v<Address>);

std::string text_of(const core::Endpoint& endpoint) {
    const auto address = Address::from(endpoint);
    return address ? address->text() : "none";
}

const sockaddr_in6& as_v6(const Address& address) {
    return *reinterpret_cast<const sockaddr_in6*>(address.data());  // sockaddr(3type)
}

TEST(Address, ReadsANumericHostOfEitherFamily) {
    EXPECT_EQ(text_of({"192.0.2.1", 443}), "192.0.2.1:443");
    EXPECT_EQ(text_of({"0.0.0.0", 0}), "0.0.0.0:0");
    EXPECT_EQ(text_of({"2001:db8:0::1", 65535}), "[2001:db8::1]:65535");
    EXPECT_EQ(text_of({"::", 80}), "[::]:80");
}

TEST(Address, ReturnsNothingForAHostThatIsNotNumeric) {
    for (const char* host : {"", "*", "localhost", "127.1", "0x7f.0.0.1", "127.0.0.1 ", "[::1]",
                             "::1::", "256.0.0.1", "127.0.0.1%lo", "%lo"}) {
        EXPECT_EQ(text_of({host, 80}), "none") << host;
    }
}

TEST(Address, ReadsTheInterfaceOfALinkLocalHost) {
    const auto address = Address::from(core::Endpoint{"fe80::1%lo", 80});
    ASSERT_TRUE(address);
    EXPECT_EQ(as_v6(*address).sin6_scope_id, if_nametoindex("lo"));
    EXPECT_EQ(as_v6(*Address::from(core::Endpoint{"fe80::1", 80})).sin6_scope_id, 0U);
}

TEST(Address, ReturnsNothingForAnUnknownInterface) {
    EXPECT_EQ(text_of({"fe80::1%no-such-one", 80}), "none");
    EXPECT_EQ(text_of({"fe80::1%", 80}), "none");
}

TEST(Address, ShowsAnIPv4MappedAddressAsIPv4) {
    // As the kernel has it: a peer of an IPv6 socket that takes both families.
    sockaddr_in6 mapped{};
    mapped.sin6_family = AF_INET6;
    mapped.sin6_port = htons(50022);
    inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped.sin6_addr);
    sockaddr_storage storage{};
    std::memcpy(&storage, &mapped, sizeof mapped);
    const Address address = Address::from(storage, sizeof mapped);
    EXPECT_EQ(address.host(), "192.0.2.7");
    EXPECT_EQ(address.text(), "192.0.2.7:50022");
    EXPECT_EQ(address.port(), 50022);
    EXPECT_EQ(address.family(), AF_INET6);
    EXPECT_EQ(address.ip(), Address::from(core::Endpoint{"192.0.2.7", 0})->ip());
    EXPECT_EQ(Address::from(core::Endpoint{"::ffff:192.0.2.7", 50022})->family(), AF_INET);
}

TEST(Address, ShowsAnIPv4CompatibleAddressAsIPv6) {
    EXPECT_EQ(text_of({"::192.0.2.7", 1}), "[::192.0.2.7]:1");
    EXPECT_EQ(text_of({"::1", 1}), "[::1]:1");
}

TEST(Address, ReturnsTheSizeOfItsFamily) {
    EXPECT_EQ(Address::from(core::Endpoint{"127.0.0.1", 1})->size(), sizeof(sockaddr_in));
    EXPECT_EQ(Address::from(core::Endpoint{"::1", 1})->size(), sizeof(sockaddr_in6));
    EXPECT_EQ(Address().size(), sizeof(sa_family_t));
}

TEST(Address, ShowsADashWhenEmpty) {
    EXPECT_FALSE(Address().is_internet());
    EXPECT_EQ(Address().host(), "-");
    EXPECT_EQ(Address().port(), 0);
}

TEST(Address, ShowsAUnixDomainPeerWithoutAPath) {
    const loopback::Pair pair = loopback::unix_pair();
    const auto peer = peer_address(pair.near.get());
    ASSERT_TRUE(peer);
    EXPECT_EQ(peer->family(), AF_UNIX);
    EXPECT_FALSE(peer->is_internet());
    EXPECT_EQ(peer->host(), "unix");
    EXPECT_EQ(peer->text(), "unix");
    EXPECT_EQ(peer->port(), 0);
    EXPECT_EQ(peer->path(), "");
}

TEST(Address, ShowsAPathAsSafeText) {
    const Address address = Address::of_unix("/run/a b\n\x80");
    EXPECT_EQ(address.host(), "/run/a\\20b\\0A\\80");
    EXPECT_EQ(address.text(), "unix:/run/a\\20b\\0A\\80");
    EXPECT_EQ(address.path(), "/run/a b\n\x80");
    EXPECT_EQ(Address::of_unix(std::string_view("\0x", 2)).text(), "unix:@x");
    EXPECT_TRUE(address.is_valid());
    EXPECT_FALSE(Address().is_valid());
    const Ends ends{address, address};
    EXPECT_EQ(text_of(ends), "src=unix sport=0 dst=/run/a\\20b\\0A\\80 dport=0")
        << "a client may give itself any path";
}

TEST(Address, IsNotValidWithAPathThatIsTooLong) {
    Address address = Address::of_unix(std::string(200, 'x'));
    EXPECT_EQ(address.path().size(), 108U);
    std::memset(reinterpret_cast<char*>(&address) + 2, 0xFF, sizeof address - 2);
    EXPECT_FALSE(address.is_valid()) << "bytes of another process";
}

TEST(Address, ReadsAnAbstractName) {
    const Folder folder;
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const std::string name = std::string(1, '\0') + "portsplit-test-" + std::to_string(::getpid());
    const Address wanted = Address::of_unix(name);
    ASSERT_EQ(::bind(fd.get(), wanted.data(), wanted.size()), 0);
    EXPECT_EQ(local_address(fd.get())->path(), name);
}

TEST(Address, AgreesAtBothEndsOfAConnection) {
    for (const char* host : {"127.0.0.1", "::1"}) {
        const loopback::Pair pair = loopback::tcp_pair(host);
        ASSERT_TRUE(pair.near) << "no " << host << " on this machine";
        const auto peer = peer_address(pair.near.get());
        const auto local = local_address(pair.far.get());
        ASSERT_TRUE(peer && local);
        EXPECT_EQ(peer->host(), host);
        EXPECT_EQ(peer->text(), local->text());
        EXPECT_GT(peer->port(), 0);
    }
}

TEST(LocalAddress, ReturnsAPathThatFillsTheAddress) {
    const Folder folder;
    std::string path = folder / "";
    path.append(sizeof(sockaddr_un::sun_path) - path.size(), 's');
    const Address address = Address::of_unix(path);  // without a NUL (unix(7))
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(fd.get(), address.data(), address.size()), 0);
    EXPECT_EQ(local_address(fd.get())->path(), path);
}

TEST(PeerAddress, FailsWhenThePeerHasReset) {
    loopback::Pair pair = loopback::tcp_pair();
    loopback::reset(pair.far);
    ASSERT_NE(loopback::events_of(pair.near.get(), POLLIN) & POLLHUP, 0);
    const auto peer = peer_address(pair.near.get());
    ASSERT_FALSE(peer);
    EXPECT_EQ(to_string(peer.error()),
              "cannot read a socket's peer address: Transport endpoint is not connected");
}

TEST(LocalAddress, FailsForADescriptorThatIsNotOpen) {
    const auto local = local_address(-1);
    ASSERT_FALSE(local);
    EXPECT_EQ(to_string(local.error()), "cannot read a socket's own address: Bad file descriptor");
}

}  // namespace
}  // namespace portsplit::sys
