#include "dispatch/connections.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/child.h"

namespace portsplit::dispatch {
namespace {

using namespace std::string_literals;

ConnectionRecord connection(std::uint64_t id) {
    ConnectionRecord result;
    result.id = id;
    return result;
}

/// Returns the row of a pid that has one.
ConnectionRecord& row_of(Connections& connections, pid_t pid) {
    ConnectionRecord* found = connections.find(pid);
    if (found == nullptr) std::abort();
    return *found;
}

TEST(Connections, FindsARowByItsPid) {
    Connections connections;
    EXPECT_TRUE(connections.empty());
    connections.add(100, connection(1));
    connections.add(200, connection(2));
    EXPECT_EQ(connections.size(), 2U);
    EXPECT_EQ(row_of(connections, 200).id, 2U);
    EXPECT_EQ(connections.find(300), nullptr);
}

TEST(Connections, StoresChangesMadeThroughFind) {
    Connections connections;
    connections.add(100, connection(1));
    row_of(connections, 100).progress.bytes_in = 7;
    EXPECT_EQ(row_of(connections, 100).progress.bytes_in, 7U);
}

TEST(Connections, RemovesARow) {
    Connections connections;
    connections.add(100, connection(1));
    connections.remove(100);
    connections.remove(200);
    EXPECT_TRUE(connections.empty());
    EXPECT_EQ(connections.find(100), nullptr);
}

TEST(Connections, ReplacesTheRowOfAPidThatIsUsedAgain) {
    Connections connections;
    connections.add(100, connection(1));
    row_of(connections, 100).progress.bytes_in = 7;
    connections.add(100, connection(2));
    EXPECT_EQ(connections.size(), 1U);
    EXPECT_EQ(row_of(connections, 100).id, 2U);
    EXPECT_EQ(row_of(connections, 100).progress.bytes_in, 0U);
}

TEST(Connections, HoldsThousandsOfRowsAgainAndAgain) {
    Connections connections;
    for (int round = 0; round < 3; ++round) {
        for (pid_t pid = 1; pid <= 5000; ++pid) {
            connections.add(pid, connection(static_cast<std::uint64_t>(pid)));
        }
        ASSERT_EQ(connections.size(), 5000U);
        for (pid_t pid = 1; pid <= 5000; ++pid) {
            ASSERT_EQ(row_of(connections, pid).id, static_cast<std::uint64_t>(pid));
            connections.remove(pid);
        }
        ASSERT_TRUE(connections.empty());
    }
}

/// Returns true if this process can read a byte there. write(2) tries it, and fails with EFAULT
/// where an access of our own would be a segmentation fault.
bool is_readable(const void* memory) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) < 0) return false;
    const sys::UniqueFd from(ends[0]);
    const sys::UniqueFd to(ends[1]);
    return ::write(to.get(), memory, 1) == 1;
}

TEST(Connections, AreNotMappedInAForkedChild) {
    Connections connections;
    for (pid_t pid = 1; pid <= 1000; ++pid) connections.add(pid, connection(1));
    std::vector<const ConnectionRecord*> places;
    for (pid_t pid = 1; pid <= 1000; ++pid) places.push_back(&row_of(connections, pid));
    for (const ConnectionRecord* place : places) ASSERT_TRUE(is_readable(place));
    EXPECT_EQ(loopback::text_of_child([&] {
                  int readable = 0;
                  for (const ConnectionRecord* place : places)
                      readable += is_readable(place) ? 1 : 0;
                  return std::to_string(readable);
              }),
              "0");
}

TEST(Connections, StayReadableInTheParentAfterAFork) {
    Connections connections;
    connections.add(100, connection(7));
    EXPECT_EQ(loopback::text_of_child([] { return "forked"s; }), "forked");
    EXPECT_EQ(row_of(connections, 100).id, 7U);
}

TEST(UnforkedMemory, HasTheDontCopyFlagInSmaps) {
    UnforkedMemory memory;
    void* const block = memory.allocate(10'000, alignof(std::max_align_t));
    // proc(5) smaps: "dc" is "do not copy area on fork".
    std::ostringstream address;
    address << std::hex << reinterpret_cast<std::uintptr_t>(block);
    std::ifstream maps("/proc/self/smaps");
    std::string flags;
    bool ours = false;
    for (std::string line; std::getline(maps, line);) {
        std::istringstream fields(line);
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        char dash = 0;
        if (fields >> std::hex >> begin >> dash >> end && dash == '-') {
            const auto place = reinterpret_cast<std::uintptr_t>(block);
            ours = begin <= place && place < end;
        }
        if (ours && line.starts_with("VmFlags:")) flags = line;
    }
    EXPECT_NE((flags + " ").find(" dc "), std::string::npos) << flags << " at " << address.str();
    memory.deallocate(block, 10'000, alignof(std::max_align_t));
}

TEST(UnforkedMemory, IsAlignedForAnyType) {
    UnforkedMemory memory;
    for (const std::size_t size : {1U, 8U, 4096U, 100'000U}) {
        void* const block = memory.allocate(size, 64);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0U) << size;
        memory.deallocate(block, size, 64);
    }
}

}  // namespace
}  // namespace portsplit::dispatch
