#include "dispatch/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "support/child.h"
#include "support/descriptors.h"
#include "support/folder.h"
#include "support/loopback.h"
#include "support/relaying.h"

namespace portsplit::dispatch {
namespace {

using loopback::Pair;
using loopback::Reply;
using sys::UniqueFd;
using namespace std::string_literals;

struct LonePipe {
    Pipe pipe;
};
/// A store that shares its pipe with no other.
struct LoneStore : LonePipe, Store {
    LoneStore() : Store(pipe) {}
};

/// Reads into the store once the descriptor is readable.
ssize_t read_when_ready(Store& store, int fd) {
    loopback::events_of(fd, POLLIN);
    return store.read_from(fd);
}

/// A file in memory of this many bytes, all zero, at its begin.
UniqueFd zeros(std::size_t size) {
    UniqueFd fd(::memfd_create("zeros", MFD_CLOEXEC));
    EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(size)), 0);
    return fd;
}

/// Opens a file that cannot be spliced to: O_APPEND (splice(2) EINVAL).
UniqueFd append_to(const std::string& path) {
    return UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
}

class StoreTest : public testing::Test {
  protected:
    StoreTest() { ::signal(SIGPIPE, SIG_IGN); }  // as in the program
};

TEST_F(StoreTest, HoldsBytesUntilTheyAreWritten) {
    const Pair from = relayed_pair();
    const Pair to = relayed_pair();
    LoneStore store;
    ASSERT_TRUE(loopback::send_all(from.far.get(), "bytes"));
    EXPECT_EQ(read_when_ready(store, from.near.get()), 5);
    EXPECT_EQ(store.size(), 5U);
    EXPECT_EQ(store.write_to(to.near.get()), 5);
    EXPECT_EQ(store.size(), 0U);
    EXPECT_EQ(loopback::read_reply(to.far.get(), 5), (Reply{"bytes", "enough"}));
}

TEST_F(StoreTest, FailsWithEagainWhenTheSourceIsEmpty) {
    const Pair from = relayed_pair();
    LoneStore store;
    EXPECT_EQ(store.read_from(from.near.get()), -1);
    EXPECT_EQ(errno, EAGAIN);
}

TEST_F(StoreTest, ReturnsZeroAtEof) {
    const Pair from = relayed_pair();
    loopback::finish(from.far.get());
    LoneStore store;
    EXPECT_EQ(read_when_ready(store, from.near.get()), 0);
    EXPECT_EQ(store.size(), 0U);
}

TEST_F(StoreTest, FailsWithEconnresetAfterAReset) {
    Pair from = relayed_pair();
    loopback::reset(from.far);
    LoneStore store;
    EXPECT_EQ(read_when_ready(store, from.near.get()), -1);
    EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(StoreTest, HoldsAtMost64KiBInAPipeAndInMemory) {
    const UniqueFd source = zeros(1'000'000);
    const UniqueFd sink(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    LoneStore store;
    EXPECT_EQ(store.read_from(source.get()), 65536) << "pipe";
    while (store.size() > 0) ASSERT_GT(store.write_to(sink.get()), 0);
    store.switch_to_memory();
    EXPECT_EQ(store.read_from(source.get()), 65536) << "memory";
}

TEST_F(StoreTest, MakesAPipeWithTheFirstReadOnly) {
    const UniqueFd source = zeros(200);
    const UniqueFd sink(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    const std::size_t before = count_descriptors();
    LoneStore store;
    EXPECT_EQ(count_descriptors(), before);
    for (int i = 0; i < 2; ++i) {
        ASSERT_EQ(::lseek(source.get(), 100, SEEK_SET), 100);
        ASSERT_EQ(store.read_from(source.get()), 100);
        ASSERT_EQ(store.write_to(sink.get()), 100);
        EXPECT_EQ(count_descriptors(), before + 2);
    }
}

TEST_F(StoreTest, SharesItsPipeWhileItIsEmpty) {
    const UniqueFd source = zeros(1000);
    const UniqueFd sink(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    const std::size_t before = count_descriptors();
    Pipe shared;
    Store up(shared);
    Store down(shared);
    for (int i = 0; i < 3; ++i) {
        for (Store* store : {&up, &down}) {
            ASSERT_EQ(::lseek(source.get(), 0, SEEK_SET), 0);
            ASSERT_EQ(store->read_from(source.get()), 1000);
            ASSERT_EQ(store->write_to(sink.get()), 1000);
            ASSERT_EQ(store->read_from(source.get()), 0);
            EXPECT_EQ(count_descriptors(), before + 2);
        }
    }
}

TEST_F(StoreTest, HasAPipeOfItsOwnWhileTheOtherOneIsUsed) {
    const Pair from = relayed_pair();
    const Pair to = relayed_pair();
    Pipe shared;
    Store up(shared);
    Store down(shared);
    const std::size_t before = count_descriptors();
    ASSERT_TRUE(loopback::send_all(from.far.get(), "up"));
    ASSERT_EQ(read_when_ready(up, from.near.get()), 2);
    ASSERT_TRUE(loopback::send_all(to.far.get(), "down"));
    ASSERT_EQ(read_when_ready(down, to.near.get()), 4);
    EXPECT_EQ(count_descriptors(), before + 4);
    ASSERT_EQ(up.write_to(to.near.get()), 2);
    ASSERT_EQ(down.write_to(from.near.get()), 4);
    EXPECT_EQ(loopback::read_reply(to.far.get(), 2), (Reply{"up", "enough"}));
    EXPECT_EQ(loopback::read_reply(from.far.get(), 4), (Reply{"down", "enough"}));
    ASSERT_TRUE(loopback::send_all(from.far.get(), "more"));
    ASSERT_EQ(read_when_ready(up, from.near.get()), 4);
    EXPECT_EQ(count_descriptors(), before + 4) << "both are kept";
}

TEST_F(StoreTest, ReportsADrainedSourceAfterAShortRead) {
    const UniqueFd many = zeros(4096);
    LoneStore full;
    ASSERT_EQ(full.read_from(many.get()), 4096);
    EXPECT_FALSE(full.source_is_drained());
    const UniqueFd few = zeros(4095);
    LoneStore store;
    ASSERT_EQ(store.read_from(few.get()), 4095);
    EXPECT_TRUE(store.source_is_drained());
}

TEST_F(StoreTest, ReportsNoDrainedSourceAtEof) {
    LoneStore store;
    const UniqueFd nothing = zeros(0);
    ASSERT_EQ(store.read_from(nothing.get()), 0);
    EXPECT_FALSE(store.source_is_drained());
}

TEST_F(StoreTest, FailsWithEagainWhileItIsNotEmpty) {
    const Pair from = relayed_pair();
    const Pair to = relayed_pair();
    LoneStore store;
    std::size_t sent = 0;
    std::size_t given = 0;
    for (bool full = false; !full && sent < 10'000'000; ++sent) {
        ASSERT_TRUE(loopback::send_all(from.far.get(), "x"));
        full = read_when_ready(store, from.near.get()) < 0;
    }
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(store.size(), sent - 1);
    while (store.size() > 0) {
        const ssize_t put = store.write_to(to.near.get());
        ASSERT_GT(put, 0);
        given += static_cast<std::size_t>(put);
    }
    EXPECT_EQ(given, sent - 1);
}

// fault: E7
TEST_F(StoreTest, Holds64KiBInMemoryWhenNoPipeCanBeMade) {
    EXPECT_EQ(loopback::text_of_child([] {
                  const UniqueFd source = zeros(100'000);
                  const UniqueFd sink(::open("/dev/null", O_WRONLY | O_CLOEXEC));
                  use_up_descriptors();
                  LoneStore store;
                  std::string text = std::to_string(store.read_from(source.get()));
                  store.write_to(sink.get());
                  return text + " " + std::to_string(store.read_from(source.get()));
              }),
              "65536 34464");
}

TEST_F(StoreTest, WorksWithoutASpareDescriptor) {
    const std::string outcome = loopback::text_of_child([] {
        const Pair from = relayed_pair();
        const Pair to = relayed_pair();
        use_up_descriptors();
        if (::dup(0) >= 0) return "descriptors are left"s;
        LoneStore store;
        loopback::send_all(from.far.get(), "one ");
        std::string text = std::to_string(read_when_ready(store, from.near.get()));
        loopback::send_all(from.far.get(), "two");
        text += " " + std::to_string(read_when_ready(store, from.near.get()));
        text += errno == EAGAIN ? "(full)" : "(not full)";
        text += " " + std::to_string(store.write_to(to.near.get()));
        text += " " + std::to_string(read_when_ready(store, from.near.get()));
        text += " " + std::to_string(store.write_to(to.near.get()));
        return text + " " + loopback::read_reply(to.far.get(), 7).bytes;
    });
    EXPECT_EQ(outcome, "4 -1(full) 4 3 3 one two");
}

// fault: E7
TEST_F(StoreTest, UsesMemoryWhenTheSinkCannotBeSplicedTo) {
    const Folder folder;
    const std::string path = folder / "file";
    const UniqueFd to = append_to(path);
    const Pair from = relayed_pair();
    LoneStore store;
    std::string sent;
    for (const std::string text : {"held by the pipe, ", "then by memory, ", "and again"}) {
        sent += text;
        ASSERT_TRUE(loopback::send_all(from.far.get(), text));
        ASSERT_EQ(read_when_ready(store, from.near.get()), static_cast<ssize_t>(text.size()));
        ASSERT_EQ(store.write_to(to.get()), static_cast<ssize_t>(text.size()));
        EXPECT_EQ(store.size(), 0U);
    }
    EXPECT_EQ(content_of(path), sent);
}

// fault: E7
TEST_F(StoreTest, KeepsTheBytesOfAFullPipeWhenItSwitchesToMemory) {
    const Folder folder;
    const std::string path = folder / "file";
    const UniqueFd to = append_to(path);
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    const UniqueFd from(ends[0]);
    const UniqueFd feed(ends[1]);
    std::string text;
    for (int i = 0; text.size() < 65536; ++i) text += std::to_string(i) + " ";
    text.resize(65536);
    const ssize_t fed = ::write(feed.get(), text.data(), text.size());
    ASSERT_GT(fed, 0);
    LoneStore store;
    ASSERT_EQ(store.read_from(from.get()), fed);
    while (store.size() > 0) ASSERT_GT(store.write_to(to.get()), 0);
    EXPECT_TRUE(content_of(path) == text);
}

TEST_F(StoreTest, MovesBytesToAndFromATerminal) {
    termios raw{};
    ::cfmakeraw(&raw);
    int ours = -1;
    int its = -1;
    ASSERT_EQ(::openpty(&ours, &its, nullptr, &raw, nullptr), 0);
    const UniqueFd near(ours);
    const UniqueFd far(its);
    sys::set_blocking(ours, false);
    const Pair client = relayed_pair();
    LoneStore up;
    ASSERT_TRUE(loopback::send_all(client.far.get(), "typed"));
    ASSERT_EQ(read_when_ready(up, client.near.get()), 5);
    ASSERT_EQ(up.write_to(ours), 5);
    EXPECT_EQ(loopback::read_reply(its, 5), (Reply{"typed", "enough"}));
    LoneStore down;
    ASSERT_EQ(::write(its, "shown", 5), 5);
    ASSERT_EQ(read_when_ready(down, ours), 5);
    ASSERT_EQ(down.write_to(client.near.get()), 5);
    EXPECT_EQ(loopback::read_reply(client.far.get(), 5), (Reply{"shown", "enough"}));
}

TEST_F(StoreTest, KeepsItsBytesWhenTheSinkIsClosed) {
    const Pair from = relayed_pair();
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    const UniqueFd to(ends[1]);
    UniqueFd(ends[0]).reset();
    LoneStore store;
    ASSERT_TRUE(loopback::send_all(from.far.get(), "x"));
    ASSERT_EQ(read_when_ready(store, from.near.get()), 1);
    EXPECT_EQ(store.write_to(to.get()), -1);
    EXPECT_EQ(errno, EPIPE);
    EXPECT_EQ(store.size(), 1U);
}

}  // namespace
}  // namespace portsplit::dispatch
