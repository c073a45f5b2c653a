#include "dispatch/flow.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "support/child.h"
#include "support/folder.h"
#include "support/loopback.h"

namespace portsplit::dispatch {
namespace {

using loopback::Heard;
using loopback::Pair;
using sys::UniqueFd;
using namespace std::string_literals;

/// A pair whose near end is as a relay has it.
Pair relayed_pair() {
    Pair pair = loopback::tcp_pair();
    sys::set_blocking(pair.near.get(), false);
    return pair;
}

/// Takes once there is something to take.
ssize_t take_from(Store& store, int from) {
    loopback::events_of(from, POLLIN);
    return store.take(from);
}

/// Leaves this process without any descriptor to spare; for children.
void use_up_descriptors() {
    const UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const auto limit = static_cast<rlim_t>(next.get());
    const rlimit limits{.rlim_cur = limit, .rlim_max = limit};
    ::setrlimit(RLIMIT_NOFILE, &limits);
}

std::string content_of(const std::string& path) {
    std::ostringstream content;
    content << std::ifstream(path, std::ios::binary).rdbuf();
    return content.str();
}

class StoreTest : public testing::Test {
  protected:
    StoreTest() { ::signal(SIGPIPE, SIG_IGN); }  // as in the program
};

TEST_F(StoreTest, HoldsWhatItTookUntilItIsGiven) {
    const Pair from = relayed_pair();
    const Pair to = relayed_pair();
    Store store;
    ASSERT_TRUE(loopback::say(from.far.get(), "bytes"));
    EXPECT_EQ(take_from(store, from.near.get()), 5);
    EXPECT_EQ(store.held(), 5U);
    EXPECT_EQ(store.give(to.near.get()), 5);
    EXPECT_EQ(store.held(), 0U);
    EXPECT_EQ(loopback::hear(to.far.get(), 5), (Heard{"bytes", "enough"}));
}

TEST_F(StoreTest, SaysThatNothingWaits) {
    const Pair from = relayed_pair();
    Store store;
    EXPECT_EQ(store.take(from.near.get()), -1);
    EXPECT_EQ(errno, EAGAIN);
}

TEST_F(StoreTest, SaysThatTheStreamHasEnded) {
    const Pair from = relayed_pair();
    loopback::finish(from.far.get());
    Store store;
    EXPECT_EQ(take_from(store, from.near.get()), 0);
    EXPECT_EQ(store.held(), 0U);
}

TEST_F(StoreTest, SaysThatTheConnectionWasReset) {
    Pair from = relayed_pair();
    loopback::reset(from.far);
    Store store;
    EXPECT_EQ(take_from(store, from.near.get()), -1);
    EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(StoreTest, TakesABoundedNumberOfBytesAtOnce) {
    const Pair from = relayed_pair();
    sys::set_blocking(from.far.get(), false);
    const std::string junk(1'000'000, 'j');
    ::send(from.far.get(), junk.data(), junk.size(), MSG_NOSIGNAL);
    Store store;
    EXPECT_GT(take_from(store, from.near.get()), 0);
    EXPECT_LE(store.held(), 65536U);
}

TEST_F(StoreTest, SaysThatItIsFull) {
    const Pair from = relayed_pair();
    const Pair to = relayed_pair();
    Store store;
    std::size_t sent = 0;
    std::size_t given = 0;
    for (bool full = false; !full && sent < 10'000'000; ++sent) {
        ASSERT_TRUE(loopback::say(from.far.get(), "x"));
        full = take_from(store, from.near.get()) < 0;
    }
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(store.held(), sent - 1);
    while (store.held() > 0) {
        const ssize_t put = store.give(to.near.get());
        ASSERT_GT(put, 0);
        given += static_cast<std::size_t>(put);
    }
    EXPECT_EQ(given, sent - 1);
}

TEST_F(StoreTest, WorksInMemoryWhereNoPipeCanBeHad) {
    const std::string outcome = loopback::told_by_child([] {
        const Pair from = relayed_pair();
        const Pair to = relayed_pair();
        use_up_descriptors();
        if (::dup(0) >= 0) return "descriptors are left"s;
        Store store;
        loopback::say(from.far.get(), "one ");
        std::string told = std::to_string(take_from(store, from.near.get()));
        loopback::say(from.far.get(), "two");
        told += " " + std::to_string(take_from(store, from.near.get()));
        told += errno == EAGAIN ? "(full)" : "(not full)";
        told += " " + std::to_string(store.give(to.near.get()));
        told += " " + std::to_string(take_from(store, from.near.get()));
        told += " " + std::to_string(store.give(to.near.get()));
        return told + " " + loopback::hear(to.far.get(), 7).bytes;
    });
    EXPECT_EQ(outcome, "4 -1(full) 4 3 3 one two");
}

TEST_F(StoreTest, GoesOnInMemoryWhereNothingCanBeSplicedIn) {
    // A file opened to append takes no splice (splice(2) EINVAL).
    const Folder folder;
    const std::string path = folder / "file";
    const UniqueFd to(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    const Pair from = relayed_pair();
    Store store;
    std::string sent;
    for (const std::string text : {"held by the pipe, ", "then by memory, ", "and again"}) {
        sent += text;
        ASSERT_TRUE(loopback::say(from.far.get(), text));
        ASSERT_EQ(take_from(store, from.near.get()), static_cast<ssize_t>(text.size()));
        ASSERT_EQ(store.give(to.get()), static_cast<ssize_t>(text.size()));
        EXPECT_EQ(store.held(), 0U);
    }
    EXPECT_EQ(content_of(path), sent);
}

TEST_F(StoreTest, LosesNothingOfAFullPipeWhenItGoesOnInMemory) {
    const Folder folder;
    const std::string path = folder / "file";
    const UniqueFd to(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    const UniqueFd from(ends[0]);
    const UniqueFd feed(ends[1]);
    std::string text;
    for (int i = 0; text.size() < 65536; ++i) text += std::to_string(i) + " ";
    text.resize(65536);
    const ssize_t fed = ::write(feed.get(), text.data(), text.size());
    ASSERT_GT(fed, 0);
    Store store;
    // The first bytes go through memory; that they are many brings the pipe.
    const ssize_t few = store.take(from.get());
    ASSERT_GT(few, 0);
    while (store.held() > 0) ASSERT_GT(store.give(to.get()), 0);
    const ssize_t many = store.take(from.get());
    ASSERT_EQ(few + many, fed);
    while (store.held() > 0) ASSERT_GT(store.give(to.get()), 0);
    EXPECT_TRUE(content_of(path) == text);
}

TEST_F(StoreTest, PassesThroughATerminal) {
    termios raw{};
    ::cfmakeraw(&raw);
    int ours = -1;
    int its = -1;
    ASSERT_EQ(::openpty(&ours, &its, nullptr, &raw, nullptr), 0);
    const UniqueFd near(ours);
    const UniqueFd far(its);
    sys::set_blocking(ours, false);
    const Pair client = relayed_pair();
    Store up;
    ASSERT_TRUE(loopback::say(client.far.get(), "typed"));
    ASSERT_EQ(take_from(up, client.near.get()), 5);
    ASSERT_EQ(up.give(ours), 5);
    EXPECT_EQ(loopback::hear(its, 5), (Heard{"typed", "enough"}));
    Store down;
    ASSERT_EQ(::write(its, "shown", 5), 5);
    ASSERT_EQ(take_from(down, ours), 5);
    ASSERT_EQ(down.give(client.near.get()), 5);
    EXPECT_EQ(loopback::hear(client.far.get(), 5), (Heard{"shown", "enough"}));
}

TEST_F(StoreTest, SaysThatNobodyTakesWhatItHolds) {
    const Pair from = relayed_pair();
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    const UniqueFd to(ends[1]);
    UniqueFd(ends[0]).reset();
    Store store;
    ASSERT_TRUE(loopback::say(from.far.get(), "x"));
    ASSERT_EQ(take_from(store, from.near.get()), 1);
    EXPECT_EQ(store.give(to.get()), -1);
    EXPECT_EQ(errno, EPIPE);
    EXPECT_EQ(store.held(), 1U);
}

/// A flow between two sockets whose peers the test holds.
class FlowTest : public StoreTest {
  protected:
    FlowTest()
        : source_(relayed_pair()),
          sink_(relayed_pair()),
          from_(Side::socket(std::move(source_.near))),
          to_(Side::socket(std::move(sink_.near))),
          flow_(from_, to_) {}

    Flow& flow() { return flow_; }
    UniqueFd& source() { return source_.far; }
    UniqueFd& sink() { return sink_.far; }

    /// Pumps once there is something to do.
    /// @returns whether both sides are whole
    bool pump() {
        flow_.pump(loopback::events_of(from_.from(), POLLIN) != 0 ? Flow::Said::Readable
                                                                  : Flow::Said::Nothing);
        return !from_.broken() && !to_.broken();
    }
    bool to_is_broken() const { return to_.broken(); }

  private:
    Pair source_;
    Pair sink_;
    Side from_;
    Side to_;
    Flow flow_;
};

TEST_F(FlowTest, WantsToReadFirst) {
    EXPECT_TRUE(flow().wants_read());
    EXPECT_FALSE(flow().wants_write());
    EXPECT_FALSE(flow().done());
}

TEST_F(FlowTest, MovesWhatThereIs) {
    ASSERT_TRUE(loopback::say(source().get(), "bytes"));
    EXPECT_TRUE(pump());
    EXPECT_EQ(loopback::hear(sink().get(), 5), (Heard{"bytes", "enough"}));
    EXPECT_EQ(flow().moved(), 5U);
    EXPECT_TRUE(flow().wants_read());
}

TEST_F(FlowTest, IsDoneAfterTheLastByteWasGiven) {
    ASSERT_TRUE(loopback::say(source().get(), "bytes"));
    loopback::finish(source().get());
    while (!flow().done()) ASSERT_TRUE(pump());
    EXPECT_EQ(loopback::hear(sink().get()), (Heard{"bytes", "end"}));
    EXPECT_FALSE(flow().cut_short());
    EXPECT_FALSE(flow().wants_read());
    EXPECT_FALSE(flow().wants_write());
}

TEST_F(FlowTest, WantsToWriteOnlyWhatItHolds) {
    std::thread sender([this] { loopback::say(source().get(), std::string(30'000'000, 'j')); });
    while (!flow().wants_write()) ASSERT_TRUE(pump());
    EXPECT_FALSE(flow().wants_read()) << "the store must be empty first";
    EXPECT_FALSE(flow().done());
    loopback::reset(sink());
    while (!to_is_broken()) flow().pump(Flow::Said::Nothing);
    loopback::finish(source().get());
    ::shutdown(source().get(), SHUT_RDWR);
    sender.join();
}

TEST_F(FlowTest, GoesOnBehindAnUrgentByteThatSpliceCannotTake) {
    ASSERT_TRUE(loopback::say(source().get(), "!", MSG_OOB));
    ASSERT_TRUE(loopback::say(source().get(), "behind"));
    ASSERT_TRUE(pump());
    EXPECT_EQ(loopback::hear(sink().get(), 6), (Heard{"behind", "enough"}));
    ASSERT_TRUE(loopback::say(source().get(), ", and further"));
    ASSERT_TRUE(pump());
    EXPECT_EQ(loopback::hear(sink().get(), 13), (Heard{", and further", "enough"}));
}

TEST_F(FlowTest, BreaksWhereItsSourceWasReset) {
    loopback::reset(source());
    EXPECT_FALSE(pump());
    EXPECT_TRUE(flow().done());
    EXPECT_EQ(loopback::hear(sink().get(), 0), (Heard{"", "enough"})) << "no clean end";
}

TEST_F(FlowTest, GivesOnWhatCameBeforeAReset) {
    ASSERT_TRUE(loopback::say(source().get(), "bytes"));
    loopback::reset(source());
    EXPECT_TRUE(pump());
    EXPECT_FALSE(pump());
    EXPECT_EQ(loopback::hear(sink().get(), 5), (Heard{"bytes", "enough"}));
}

TEST_F(FlowTest, BreaksWhereItsSinkIsGone) {
    sink().reset();
    bool whole = true;
    for (int i = 0; i < 100 && whole; ++i) {
        ASSERT_TRUE(loopback::say(source().get(), "x"));
        whole = pump();
    }
    EXPECT_FALSE(whole);
}

TEST_F(FlowTest, EndsItsSinkWhenItIsCut) {
    flow().cut();
    EXPECT_TRUE(flow().done());
    EXPECT_TRUE(flow().cut_short());
    EXPECT_EQ(loopback::hear(sink().get()), (Heard{"", "end"}));
}

TEST_F(FlowTest, CannotBeCutOnceItIsDone) {
    loopback::finish(source().get());
    while (!flow().done()) ASSERT_TRUE(pump());
    flow().cut();
    EXPECT_FALSE(flow().cut_short());
}

TEST(Flow, WorksWithoutAnyDescriptorToSpare) {
    EXPECT_EQ(loopback::told_by_child([] {
                  Pair source = relayed_pair();
                  Pair sink = relayed_pair();
                  Side from = Side::socket(std::move(source.near));
                  Side to = Side::socket(std::move(sink.near));
                  Flow flow(from, to);
                  use_up_descriptors();
                  loopback::say(source.far.get(), "bytes");
                  loopback::finish(source.far.get());
                  while (!flow.done()) {
                      const bool readable = loopback::events_of(from.from(), POLLIN) != 0;
                      flow.pump(readable ? Flow::Said::Readable : Flow::Said::Nothing);
                      if (from.broken() || to.broken()) return "broken"s;
                  }
                  return loopback::hear(sink.far.get(), 5).bytes + " " +
                         std::to_string(flow.moved());
              }),
              "bytes 5");
}

}  // namespace
}  // namespace portsplit::dispatch
