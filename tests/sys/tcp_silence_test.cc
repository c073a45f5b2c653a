#include "sys/tcp_silence.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "support/loopback.h"

namespace portsplit::sys {
namespace {

using loopback::Pair;
using std::chrono::milliseconds;

Ends ends_of(int fd) { return {*peer_address(fd), *local_address(fd)}; }

/// Which addresses the connection has, and where its socket listens.
class SilenceOf : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Families, SilenceOf, testing::Values("127.0.0.1", "::1"));

TEST_P(SilenceOf, GrowsUntilTheNextByte) {
    Pair pair = loopback::tcp_pair(GetParam());
    const Ends ends = ends_of(pair.near.get());
    ASSERT_TRUE(loopback::send_all(pair.far.get(), "x"));
    ASSERT_TRUE(loopback::comes_true([&] { return silence_of(ends) >= milliseconds(300); }));
    ASSERT_TRUE(loopback::send_all(pair.far.get(), "y"));
    EXPECT_TRUE(loopback::comes_true([&] { return silence_of(ends) < milliseconds(300); }));
}

// What the other end sends is none of the peer's bytes.
TEST_P(SilenceOf, DoesNotEndWithBytesToThePeer) {
    Pair pair = loopback::tcp_pair(GetParam());
    const Ends ends = ends_of(pair.near.get());
    ASSERT_TRUE(loopback::comes_true([&] { return silence_of(ends) >= milliseconds(300); }));
    ASSERT_TRUE(loopback::send_all(pair.near.get(), "y"));
    EXPECT_GE(silence_of(ends), milliseconds(300));
}

TEST_P(SilenceOf, IsNotKnownOfAConnectionThatIsNotThere) {
    Pair pair = loopback::tcp_pair(GetParam());
    const Ends ends = ends_of(pair.near.get());
    loopback::reset(pair.far);
    pair.near.reset();
    EXPECT_TRUE(loopback::comes_true([&] { return !silence_of(ends); }));
}

TEST(SilenceOfOthers, IsNotKnownOfUnixSockets) {
    EXPECT_EQ(silence_of({Address::of_unix(""), Address::of_unix("/run/s")}), std::nullopt);
}

}  // namespace
}  // namespace portsplit::sys
