#include "sys/arena.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "core/memory.h"
#include "support/child.h"
#include "support/loopback.h"
#include "support/ways_to_write.h"

#if defined(__SANITIZE_ADDRESS__)  // GCC
#define PORTSPLIT_HAS_ASAN 1
#elif defined(__has_feature)  // clang
#define PORTSPLIT_HAS_ASAN __has_feature(address_sanitizer)
#endif

namespace portsplit::sys {
namespace {

constexpr std::size_t kRoom = 1 << 20;
const auto kPage = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

void* page_of(int* number) {
    return reinterpret_cast<char*>(number) - reinterpret_cast<std::uintptr_t>(number) % kPage;
}

std::unique_ptr<Arena> arena(std::size_t room = kRoom) {
    auto created = Arena::create("test", room);
    return created ? *std::move(created) : nullptr;
}

TEST(Arena, HandsOutPiecesThatDoNotOverlap) {
    const auto memory = arena();
    auto* a = static_cast<char*>(memory->allocate(10, 1));
    auto* b = static_cast<char*>(memory->allocate(10, 1));
    std::memset(a, 'a', 10);
    std::memset(b, 'b', 10);
    EXPECT_EQ(std::string(a, 10), "aaaaaaaaaa");
    EXPECT_EQ(std::string(b, 10), "bbbbbbbbbb");
}

TEST(Arena, AlignsPieces) {
    const auto memory = arena();
    for (const std::size_t alignment : {1U, 2U, 8U, 16U, 64U, 4096U}) {
        (void)memory->allocate(1, 1);
        const auto address = reinterpret_cast<std::uintptr_t>(memory->allocate(8, alignment));
        EXPECT_EQ(address % alignment, 0U) << alignment;
    }
}

// fault: G2
TEST(Arena, ThrowsWhenThereIsNoRoom) {
    const auto memory = arena(4096);
    EXPECT_THROW((void)memory->allocate(4097, 1), std::bad_alloc);
    volatile std::size_t too_much = SIZE_MAX;  // GCC refuses the constant
    EXPECT_THROW((void)memory->allocate(too_much, 1), std::bad_alloc);
    (void)memory->allocate(2000, 1);
    EXPECT_THROW((void)memory->allocate(2100, 1), std::bad_alloc);
}

TEST(Arena, HasLessRoomWhereTheAddressSpaceIsLimited) {
    EXPECT_EQ(loopback::text_of_child([] {
                  std::size_t pages = 0;
                  std::ifstream("/proc/self/statm") >> pages;
                  const std::size_t used =
                      pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
                  const rlimit limit{used + (std::size_t{100} << 20), RLIM_INFINITY};
                  ::setrlimit(RLIMIT_AS, &limit);
                  const auto memory = arena(std::size_t{1} << 30);
                  return memory ? std::to_string(memory->room() >> 20) : "none";
              }),
              "64");
}

TEST(Arena, HasLessRoomWhereTheSizeOfFilesIsLimited) {
    EXPECT_EQ(loopback::text_of_child([]() -> std::string {
                  const rlimit limit{(std::size_t{2} << 20) + 100, RLIM_INFINITY};
                  ::setrlimit(RLIMIT_FSIZE, &limit);
                  const auto memory = arena(std::size_t{8} << 20);
                  return memory ? std::to_string(memory->room() >> 10) : "none";
              }),
              "2048");
}

TEST(Arena, ThrowsAfterTheSeal) {
    const auto memory = arena();
    *static_cast<char*>(memory->allocate(1, 1)) = 'x';
    ASSERT_TRUE(memory->seal());
    EXPECT_THROW((void)memory->allocate(1, 1), std::bad_alloc);
}

TEST(Arena, KeepsContentAndAddressesWhenItIsSealed) {
    const auto memory = arena();
    const core::MemoryScope scope(memory.get());
    const auto* text =
        new (memory->allocate(sizeof(core::Text), alignof(core::Text))) core::Text(100'000, 'x');
    ASSERT_TRUE(memory->seal());
    EXPECT_EQ(*text, core::Text(100'000, 'x', std::pmr::new_delete_resource()));
    EXPECT_GT(memory->used(), 100'000U) << "the bytes are there, too";
}

TEST(Arena, CanBeSealedWithoutAnyPiece) {
    const auto memory = arena();
    ASSERT_EQ(loopback::Child([&] { return memory->seal() ? 0 : 1; }).status(), 0);
    const auto mapped = memory->map_sealed();
    EXPECT_TRUE(mapped) << sys::to_string(mapped.error());
}

TEST(Arena, IsSharedWithChildren) {
    const auto memory = arena();
    auto* number = static_cast<int*>(memory->allocate(sizeof(int), alignof(int)));
    *number = 1;
    loopback::Child child([&] {
        *number = 2;
        return 0;
    });
    ASSERT_EQ(child.status(), 0);
    EXPECT_EQ(*number, 2);
}

TEST(Arena, HandsOutItsEndFirst) {
    const auto memory = arena();
    const auto* one = static_cast<const char*>(memory->allocate(100, 1));
    const auto* other = static_cast<const char*>(memory->allocate(100, 1));
    EXPECT_LT(other, one);
}

TEST(Arena, IsMappedHereAfterAChildHasSealedIt) {
    const auto memory = arena();
    auto* number = static_cast<int*>(memory->allocate(sizeof(int), alignof(int)));
    loopback::Child child([&] {
        *number = 7;
        *static_cast<char*>(memory->allocate(100'000, 1)) = 'x';
        return memory->seal() ? 0 : 1;
    });
    ASSERT_EQ(child.status(), 0);
    ASSERT_TRUE(memory->map_sealed());
    EXPECT_EQ(*number, 7);
    EXPECT_GE(memory->room(), 100'000U);
    EXPECT_LT(memory->room(), 100'000U + 2 * 4096U) << "only what was written";
    EXPECT_EQ(::mprotect(page_of(number), kPage, PROT_READ | PROT_WRITE), -1);
    EXPECT_EQ(errno, EACCES);
}

TEST(Arena, IsNotMappedAgainWithoutASeal) {
    const auto memory = arena();
    (void)memory->allocate(1, 1);
    const auto mapped = memory->map_sealed();
    ASSERT_FALSE(mapped);
    EXPECT_EQ(mapped.error().what, "shared memory is not sealed");
}

// The same tries on a sealed arena are below; here each of them is seen to work.
TEST(Arena, CanBeWrittenInManyWaysBeforeTheSeal) {
    const auto memory = arena();
    auto* byte = static_cast<char*>(memory->allocate(1, 1));
    EXPECT_EQ(loopback::text_of_child([&] { return ways_to_write(byte); }),
              "mem process_vm_writev pwrite mmap mprotect madvise fallocate grow shrink seal ");
}

TEST(Arena, RefusesEveryWayToWriteAfterTheSeal) {
    const auto memory = arena();
    auto* byte = static_cast<char*>(memory->allocate(1, 1));
    *byte = 'a';
    // Worse than what a dispatcher has: only root can open the file of a mapping.
    const std::vector<UniqueFd> kept = open_again(mapping_of(byte));
    ASSERT_FALSE(kept.empty());
    ASSERT_TRUE(memory->seal());
    EXPECT_EQ(loopback::text_of_child([&] { return ways_to_write(byte); }), "");
    EXPECT_EQ(*byte, 'a');
}

#if PORTSPLIT_HAS_ASAN
/// Returns for each byte from `begin` whether AddressSanitizer forbids it, `x`, or not, `.`.
std::string forbidden(const char* begin, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += __asan_address_is_poisoned(begin + i) != 0 ? 'x' : '.';
    }
    return text;
}

/// Pieces of many sizes and alignments, and what AddressSanitizer allows of each.
class GuardedPieces {
  public:
    explicit GuardedPieces(Arena& memory) {
        for (const std::size_t alignment : {1U, 2U, 8U, 16U, 64U}) {
            for (std::size_t size = 1; size <= 20; ++size) {
                auto* begin = static_cast<char*>(memory.allocate(size, alignment));
                std::memset(begin, 'x', size);
                pieces_.emplace_back(begin, size);
            }
        }
    }

    /// AddressSanitizer can forbid 8 aligned bytes or the last of them, but not only the first. So
    /// up to seven of the 16 bytes behind a piece may be allowed: those just before the next piece.
    void expect_that_bytes_behind_are_forbidden() const {
        for (const std::string_view piece : pieces_) {
            EXPECT_EQ(forbidden(piece.data(), piece.size() + 9),
                      std::string(piece.size(), '.') + "xxxxxxxxx");
        }
    }

  private:
    std::vector<std::string_view> pieces_;
};

TEST(Arena, ForbidsTheBytesBehindEachPiece) {
    const auto memory = arena();
    const GuardedPieces pieces(*memory);
    pieces.expect_that_bytes_behind_are_forbidden();
}

// A newer runtime of AddressSanitizer intercepts mmap(2) and munmap(2), and allows all bytes there.
bool keeps_what_is_forbidden_when_it_is_mapped_again() {
    const auto map = [](void* place, int flags) {
        return ::mmap(place, kPage, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | flags, -1, 0);
    };
    auto* place = static_cast<char*>(map(nullptr, 0));
    ASAN_POISON_MEMORY_REGION(place, kPage);
    ::munmap(place, kPage);
    map(place, MAP_FIXED_NOREPLACE);
    const bool keeps = __asan_address_is_poisoned(place) != 0;
    ASAN_UNPOISON_MEMORY_REGION(place, kPage);
    ::munmap(place, kPage);
    return keeps;
}

TEST(Arena, ForbidsTheBytesBehindEachPieceAfterTheSeal) {
    if (!keeps_what_is_forbidden_when_it_is_mapped_again()) {
        GTEST_SKIP() << "this AddressSanitizer forgets it when memory is mapped";
    }
    const auto memory = arena();
    const GuardedPieces pieces(*memory);
    ASSERT_TRUE(memory->seal());
    pieces.expect_that_bytes_behind_are_forbidden();
}
#endif

/// A sealed arena with one number in it.
class SealedArena : public testing::Test {
  protected:
    SealedArena() {
        number_ = static_cast<int*>(memory_->allocate(sizeof(int), alignof(int)));
        *number_ = 7;
        EXPECT_TRUE(memory_->seal());
    }
    int* number() { return number_; }

  private:
    std::unique_ptr<Arena> memory_ = arena();
    int* number_;
};
using SealedArenaDeathTest = SealedArena;

TEST_F(SealedArenaDeathTest, CannotBeWritten) { EXPECT_DEATH(*number() = 8, ""); }

TEST_F(SealedArena, CannotBeMadeWritable) {
    EXPECT_EQ(::mprotect(page_of(number()), kPage, PROT_READ | PROT_WRITE), -1);
    EXPECT_EQ(errno, EACCES);
}

TEST_F(SealedArena, KeepsWhatAChildPutsInItsPlaceToTheChild) {
    loopback::Child child([&] {
        void* const mine = ::mmap(page_of(number()), kPage, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (mine != page_of(number())) return 1;
        *number() = 8;
        return 0;
    });
    ASSERT_EQ(child.status(), 0);
    EXPECT_EQ(*number(), 7);
}

}  // namespace
}  // namespace portsplit::sys
