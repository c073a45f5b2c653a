#include "dispatch/flow.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>

#include "support/child.h"
#include "support/descriptors.h"
#include "support/loopback.h"
#include "support/relaying.h"

namespace portsplit::dispatch {
namespace {

using loopback::Pair;
using loopback::Reply;
using sys::UniqueFd;
using namespace std::chrono_literals;
using namespace std::string_literals;

/// A flow between two sockets whose peers the test holds.
class FlowTest : public testing::Test {
  protected:
    FlowTest()
        : source_(relayed_pair()),
          sink_(relayed_pair()),
          from_(Side::socket(std::move(source_.near))),
          to_(Side::socket(std::move(sink_.near))),
          flow_(from_, to_, shared_) {
        ::signal(SIGPIPE, SIG_IGN);  // as in the program
    }

    Flow& flow() { return flow_; }
    UniqueFd& source() { return source_.far; }
    UniqueFd& sink() { return sink_.far; }

    /// Pumps once the source is readable.
    /// @returns true if neither side is broken
    bool pump() {
        flow_.pump(loopback::events_of(from_.read_fd(), POLLIN) != 0 ? SourceState::Readable
                                                                     : SourceState::Unknown);
        return !from_.is_broken() && !to_.is_broken();
    }
    bool to_is_broken() const { return to_.is_broken(); }

    /// Pumps until a condition is true.
    /// @returns false if a side broke before, or the condition did not come true in time
    template <typename Condition>
    bool pump_until(Condition condition) {
        bool whole = true;
        return loopback::comes_true([&] { return condition() || !(whole = pump()); }) && whole;
    }
    bool pump_until_done() {
        return pump_until([this] { return flow_.is_done(); });
    }

  private:
    Pair source_;
    Pair sink_;
    Side from_;
    Side to_;
    Pipe shared_;
    Flow flow_;
};

/// Ends both directions of a socket when it is destroyed, so that a thread that sends on it returns.
class Shutdown {
  public:
    explicit Shutdown(int fd) : fd_(fd) {}
    Shutdown(const Shutdown&) = delete;
    Shutdown& operator=(const Shutdown&) = delete;
    ~Shutdown() { ::shutdown(fd_, SHUT_RDWR); }

  private:
    int fd_;
};

TEST_F(FlowTest, WantsToReadAtFirst) {
    EXPECT_TRUE(flow().wants_read());
    EXPECT_FALSE(flow().wants_write());
    EXPECT_FALSE(flow().is_done());
}

TEST_F(FlowTest, MovesAllReadableBytes) {
    ASSERT_TRUE(loopback::send_all(source().get(), "bytes"));
    EXPECT_TRUE(pump());
    EXPECT_EQ(loopback::read_reply(sink().get(), 5), (Reply{"bytes", "enough"}));
    EXPECT_EQ(flow().bytes_moved(), 5U);
    EXPECT_TRUE(flow().wants_read());
}

TEST_F(FlowTest, SendsTheEofAfterTheLastByte) {
    ASSERT_TRUE(loopback::send_all(source().get(), "bytes"));
    loopback::finish(source().get());
    ASSERT_TRUE(pump_until_done());
    EXPECT_EQ(loopback::read_reply(sink().get()), (Reply{"bytes", "end"}));
    EXPECT_FALSE(flow().stopped_before_eof());
    EXPECT_FALSE(flow().wants_read());
    EXPECT_FALSE(flow().wants_write());
}

TEST_F(FlowTest, WantsToWriteWhileBytesAreStored) {
    const std::jthread sender([this] {
        while (loopback::send_all(source().get(), std::string(1'000'000, 'j'))) continue;
    });
    const Shutdown shutdown(source().get());
    ASSERT_TRUE(pump_until([this] { return flow().wants_write(); }));
    EXPECT_FALSE(flow().wants_read()) << "not before the store is empty";
    EXPECT_FALSE(flow().is_done());
    loopback::reset(sink());
    EXPECT_TRUE(loopback::comes_true([this] {
        flow().pump(SourceState::Unknown);
        return to_is_broken();
    }));
}

TEST_F(FlowTest, MovesTheBytesBehindAnUrgentByte) {
    ASSERT_TRUE(loopback::send_all(source().get(), "!", MSG_OOB));
    ASSERT_TRUE(loopback::send_all(source().get(), "behind"));
    ASSERT_TRUE(pump());
    EXPECT_EQ(loopback::read_reply(sink().get(), 6), (Reply{"behind", "enough"}));
    ASSERT_TRUE(loopback::send_all(source().get(), ", and further"));
    ASSERT_TRUE(pump());
    EXPECT_EQ(loopback::read_reply(sink().get(), 13), (Reply{", and further", "enough"}));
}

TEST_F(FlowTest, MovesTheBytesBehindAnUrgentByteThatSpliceCannotPass) {
    ASSERT_TRUE(loopback::send_all(source().get(), std::string(4096, 'j')));
    ASSERT_TRUE(pump_until([this] { return flow().bytes_moved() >= 4096; }));
    EXPECT_EQ(loopback::read_reply(sink().get(), 4096).end, "enough");
    // The store has a pipe now.
    ASSERT_TRUE(loopback::send_all(source().get(), "!", MSG_OOB));
    ASSERT_TRUE(loopback::send_all(source().get(), "behind"));
    for (int i = 0; i < 10 && flow().bytes_moved() < 4096 + 6; ++i) ASSERT_TRUE(pump());
    EXPECT_EQ(loopback::read_reply(sink().get(), 6, 1s), (Reply{"behind", "enough"}));
}

TEST_F(FlowTest, SendsNoEofWhenItsSourceWasReset) {
    loopback::reset(source());
    EXPECT_FALSE(pump());
    EXPECT_TRUE(flow().is_done());
    EXPECT_EQ(loopback::events_of(sink().get(), POLLIN, 20ms), 0) << "neither bytes nor an EOF";
}

TEST_F(FlowTest, MovesTheBytesBeforeAReset) {
    ASSERT_TRUE(loopback::send_all(source().get(), "bytes"));
    loopback::reset(source());
    EXPECT_TRUE(pump());
    EXPECT_FALSE(pump());
    EXPECT_EQ(loopback::read_reply(sink().get(), 5), (Reply{"bytes", "enough"}));
}

TEST_F(FlowTest, MarksItsSinkAsBrokenWhenTheSinkIsClosed) {
    sink().reset();
    bool whole = true;
    for (int i = 0; i < 100 && whole; ++i) {
        ASSERT_TRUE(loopback::send_all(source().get(), "x"));
        whole = pump();
    }
    EXPECT_FALSE(whole);
}

TEST_F(FlowTest, SendsAnEofWhenItIsStopped) {
    flow().stop();
    EXPECT_TRUE(flow().is_done());
    EXPECT_TRUE(flow().stopped_before_eof());
    EXPECT_EQ(loopback::read_reply(sink().get()), (Reply{"", "end"}));
}

TEST_F(FlowTest, IgnoresStopOnceItIsDone) {
    loopback::finish(source().get());
    ASSERT_TRUE(pump_until_done());
    flow().stop();
    EXPECT_FALSE(flow().stopped_before_eof());
}

TEST_F(FlowTest, KeepsItsPipeWhenTheSourceIsDrained) {
    const std::size_t before = count_descriptors();
    ASSERT_TRUE(loopback::send_all(source().get(), std::string(4096, 'j')));
    ASSERT_TRUE(pump_until([this] { return flow().bytes_moved() >= 4096; }));
    EXPECT_EQ(count_descriptors(), before + 2)
        << "EAGAIN behind the last byte is not an urgent mark";
}

TEST(Flow, StopsAfterSixteenRoundsSoThatTheOtherDirectionHasItsTurn) {
    UniqueFd source(::memfd_create("source", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(source.get(), 4 << 20), 0);
    Side from = Side::pipes(std::move(source), UniqueFd());
    Side to = Side::pipes(UniqueFd(), UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC)));
    Pipe shared;
    Flow flow(from, to, shared);
    flow.pump(SourceState::Readable);
    EXPECT_GT(flow.bytes_moved(), 0U);
    EXPECT_LE(flow.bytes_moved(), 16U * 65536);
    EXPECT_TRUE(loopback::comes_true([&] {
        flow.pump(SourceState::Readable);
        return flow.is_done();
    }));
    EXPECT_EQ(flow.bytes_moved(), 4U << 20);
}

// fault: E7
TEST(Flow, WorksWithoutASpareDescriptor) {
    EXPECT_EQ(loopback::text_of_child([] {
                  Pair source = relayed_pair();
                  Pair sink = relayed_pair();
                  Side from = Side::socket(std::move(source.near));
                  Side to = Side::socket(std::move(sink.near));
                  Pipe shared;
                  Flow flow(from, to, shared);
                  use_up_descriptors();
                  loopback::send_all(source.far.get(), "bytes");
                  loopback::finish(source.far.get());
                  const bool ended = loopback::comes_true([&] {
                      const bool readable = loopback::events_of(from.read_fd(), POLLIN) != 0;
                      flow.pump(readable ? SourceState::Readable : SourceState::Unknown);
                      return flow.is_done() || from.is_broken() || to.is_broken();
                  });
                  if (!ended) return "not done"s;
                  if (from.is_broken() || to.is_broken()) return "broken"s;
                  return loopback::read_reply(sink.far.get(), 5).bytes + " " +
                         std::to_string(flow.bytes_moved());
              }),
              "bytes 5");
}

}  // namespace
}  // namespace portsplit::dispatch
