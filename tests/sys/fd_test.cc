#include "sys/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <type_traits>
#include <utility>

namespace portsplit::sys {
namespace {

int open_one() { return ::open("/dev/null", O_RDWR | O_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

static_assert(!std::is_copy_constructible_v<UniqueFd>);
static_assert(!std::is_convertible_v<int, UniqueFd>);

TEST(UniqueFd, ClosesInItsDestructor) {
    const int fd = open_one();
    { const UniqueFd owner(fd); }
    EXPECT_FALSE(is_open(fd));
}

TEST(UniqueFd, IsFalseWhileItOwnsNothing) {
    EXPECT_FALSE(UniqueFd());
    EXPECT_FALSE(UniqueFd(-1));
    EXPECT_TRUE(UniqueFd(open_one()));
}

TEST(UniqueFd, OwnsDescriptorZeroToo) {
    UniqueFd owner(0);
    EXPECT_TRUE(owner);
    EXPECT_EQ(owner.release(), 0);
}

TEST(UniqueFd, OwnsNothingAfterAMove) {
    UniqueFd first(open_one());
    const int fd = first.get();
    const UniqueFd second(std::move(first));
    EXPECT_EQ(first.get(), -1);  // NOLINT: the value after a move is what this test is about
    EXPECT_EQ(second.get(), fd);
    EXPECT_TRUE(is_open(fd));
}

TEST(UniqueFd, ClosesItsDescriptorWhenAnotherIsMovedIn) {
    UniqueFd owner(open_one());
    const int before = owner.get();
    UniqueFd next(open_one());
    const int after = next.get();
    owner = std::move(next);
    EXPECT_FALSE(is_open(before));
    EXPECT_EQ(owner.get(), after);
    EXPECT_TRUE(is_open(after));
}

TEST(UniqueFd, KeepsItsDescriptorWhenMovedIntoItself) {
    UniqueFd owner(open_one());
    UniqueFd& same = owner;
    owner = std::move(same);
    EXPECT_TRUE(is_open(owner.get()));
}

TEST(UniqueFd, ReleasesItsDescriptorOpen) {
    UniqueFd owner(open_one());
    const UniqueFd taken(owner.release());
    EXPECT_FALSE(owner);
    EXPECT_TRUE(is_open(taken.get()));
}

TEST(UniqueFd, ClosesItsDescriptorWhenReset) {
    UniqueFd owner(open_one());
    const int fd = owner.get();
    owner.reset();
    EXPECT_FALSE(is_open(fd));
    EXPECT_FALSE(owner);
}

}  // namespace
}  // namespace portsplit::sys
