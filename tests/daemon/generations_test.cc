#include "daemon/generations.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "support/child.h"
#include "support/loopback.h"
#include "support/zygotes.h"
#include "sys/process.h"

namespace portsplit::daemon {
namespace {

using loopback::Pair;
using loopback::read_reply;
using loopback::Reply;
using loopback::send_all;
using sys::Clock;

/// A daemon without listening sockets. Orphans become its children.
class GenerationsTest : public testing::Test {
  protected:
    GenerationsTest() { sys::adopt_orphans(); }
    ~GenerationsTest() override {
        generations_.retire();
        generations_.drop_starting();
        clients_.clear();
        // Zygotes and dispatchers exit with their last connection.
        expect_no_child_left();
    }

    Generations& generations() { return generations_; }

    /// The generation that takes connections; the test ends without one.
    Generation& current() {
        Generation* current = generations_.current();
        if (current == nullptr) std::abort();
        return *current;
    }

    /// A generation whose zygote may not be ready yet.
    void add_starting(const Launchpad& launchpad = real_zygote()) {
        sys::Log log = sys::Log::to_descriptor(sys::UniqueFd(::fcntl(2, F_DUPFD_CLOEXEC, 3)));
        auto generation = Generation::start(launchpad, echo_memory().get(), "", {}, log);
        ASSERT_TRUE(generation);
        EXPECT_FALSE(generation->is_ready());
        generations_.add_starting(std::move(*generation));
    }

    /// Makes a new generation the current one.
    void start(const Launchpad& launchpad = real_zygote()) {
        add_starting(launchpad);
        const auto limit = Clock::now() + loopback::kPatience;
        while (!generations_.starting_is_ready() && Clock::now() < limit) take_messages();
        ASSERT_TRUE(generations_.starting_is_ready());
        generations_.promote_starting();
    }

    /// Waits at most 5 ms for messages and takes them.
    void take_messages() {
        sys::PollSet set;
        generations_.watch(set);
        set.wake_at(Clock::now() + std::chrono::milliseconds(5));
        ASSERT_TRUE(set.wait());
        generations_.receive_ready(set);
    }
    /// As `take_messages`, and takes the children that ended.
    void turn() {
        take_messages();
        while (const auto ended = sys::reap()) last_end_ = generations_.on_child_end(*ended);
        generations_.recount_orphans(0);
    }

    /// A new connection on its way to the current generation; the test keeps the client's end.
    Delivery delivery() {
        Pair pair = loopback::tcp_pair();
        const handoff::Handover message{
            .id = ++last_id_,
            .arrival = {Clock::now(),
                        {*sys::peer_address(pair.near.get()),
                         *sys::local_address(pair.near.get())}},
        };
        clients_.push_back(std::move(pair.far));
        return {message, std::move(pair.near)};
    }

    /// A client that is being served by the current generation.
    void serve_one() {
        ASSERT_TRUE(current().hand_over(delivery(), Generation::Wait::Never));
        expect_served(clients_.back());
    }

    /// Stops the zygote and kills its spares, so that connections stay in the channel.
    void stop_taking() {
        ASSERT_EQ(::kill(current().pid(), SIGSTOP), 0);
        loopback::wait_for_state(current().pid(), 'T');
        for (const pid_t child : loopback::children_of(current().pid())) {
            if (loopback::name_of(child) == "cat") continue;  // it serves a client
            ::kill(child, SIGKILL);
            loopback::wait_for_state(child, 'Z');
        }
    }

    static void expect_served(const sys::UniqueFd& client) {
        ASSERT_TRUE(send_all(client.get(), "."));
        ASSERT_EQ(read_reply(client.get(), 1), (Reply{".", "enough"}));
    }

    std::vector<sys::UniqueFd>& clients() { return clients_; }

    /// Takes messages and children until there are so many connections.
    bool becomes(std::size_t connections) {
        const auto limit = Clock::now() + loopback::kPatience;
        while (generations_.connections() != connections && Clock::now() < limit) turn();
        return generations_.connections() == connections;
    }

    /// Takes messages for a moment, to see that nothing changes.
    void look_on() {
        const auto limit = Clock::now() + loopback::kMoment;
        while (Clock::now() < limit) turn();
    }

    /// Waits for the next child that ends and returns its kind.
    std::optional<Generations::End> next_end() {
        last_end_.reset();
        const auto limit = Clock::now() + loopback::kPatience;
        while (!last_end_ && Clock::now() < limit) {
            const auto ended = sys::reap();
            if (ended) last_end_ = generations_.on_child_end(*ended);
            if (!ended) take_messages();
        }
        return last_end_;
    }

  private:
    Accounts accounts_;
    Generations generations_{accounts_};
    std::vector<sys::UniqueFd> clients_;
    std::uint64_t last_id_ = 0;
    std::optional<Generations::End> last_end_;
};

TEST_F(GenerationsTest, HaveNoCurrentOneAtFirst) {
    EXPECT_EQ(generations().current(), nullptr);
    EXPECT_EQ(generations().connections(), 0U);
    EXPECT_EQ(generations().on_child_end({4711, 0}), Generations::End::Other);
}

TEST_F(GenerationsTest, CountAConnectionUntilItsProcessEnds) {
    start();
    serve_one();
    serve_one();
    EXPECT_EQ(generations().connections(), 2U);
    clients().pop_back();
    EXPECT_TRUE(becomes(1));
    clients().pop_back();
    EXPECT_TRUE(becomes(0));
}

TEST_F(GenerationsTest, ServeTheConnectionsOfBothWhenANewOneTakesOver) {
    start();
    serve_one();
    start();
    serve_one();
    EXPECT_EQ(generations().connections(), 2U);
    ASSERT_TRUE(send_all(clients().front().get(), "old"));
    EXPECT_EQ(read_reply(clients().front().get(), 3), (Reply{"old", "enough"}));
    clients().erase(clients().begin());
    EXPECT_TRUE(becomes(1));
    ASSERT_TRUE(send_all(clients().front().get(), "new"));
    EXPECT_EQ(read_reply(clients().front().get(), 3), (Reply{"new", "enough"}));
}

TEST_F(GenerationsTest, EndARetiredZygoteWithItsLastConnection) {
    start();
    serve_one();
    generations().retire();
    EXPECT_EQ(generations().current(), nullptr);
    EXPECT_EQ(generations().connections(), 1U);
    clients().clear();
    EXPECT_EQ(next_end(), Generations::End::Retired);
    EXPECT_EQ(generations().connections(), 0U);
}

// fault: B10, F5
TEST_F(GenerationsTest, CountTheConnectionsOfAZygoteThatDiedUntilTheyEnd) {
    start();
    serve_one();
    serve_one();
    ASSERT_EQ(::kill(current().pid(), SIGKILL), 0);
    EXPECT_EQ(next_end(), Generations::End::Current);
    EXPECT_EQ(generations().current(), nullptr);
    EXPECT_EQ(generations().connections(), 2U);
    ASSERT_TRUE(send_all(clients().front().get(), "alive"));
    EXPECT_EQ(read_reply(clients().front().get(), 5), (Reply{"alive", "enough"}));
    clients().pop_back();
    EXPECT_TRUE(becomes(1));
    clients().pop_back();
    EXPECT_TRUE(becomes(0));
}

TEST_F(GenerationsTest, DropTheCountOfAConnectionThatEndedBeforeItsZygoteDied) {
    start();
    serve_one();
    serve_one();
    ASSERT_EQ(::kill(current().pid(), SIGSTOP), 0);
    clients().pop_back();  // the zygote cannot report it
    ASSERT_EQ(::kill(current().pid(), SIGKILL), 0);
    EXPECT_EQ(next_end(), Generations::End::Current);
    EXPECT_TRUE(becomes(1));
    clients().pop_back();
    EXPECT_TRUE(becomes(0));
}

TEST_F(GenerationsTest, EndTheSparesOfAZygoteThatDied) {
    start();
    ASSERT_EQ(::kill(current().pid(), SIGKILL), 0);
    EXPECT_EQ(next_end(), Generations::End::Current);
    expect_no_child_left();
}

// fault: F5
TEST_F(GenerationsTest, ReturnTheConnectionsThatAZygoteHadNotTakenWhenItDied) {
    start();
    serve_one();
    stop_taking();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(current().hand_over(delivery(), Generation::Wait::Never));
    }
    EXPECT_EQ(generations().connections(), 4U);
    ASSERT_EQ(::kill(current().pid(), SIGKILL), 0);
    // The kernel gives its dead spares to this process before it reports its own end.
    auto end = next_end();
    while (end == Generations::End::Other) end = next_end();
    EXPECT_EQ(end, Generations::End::Current);
    EXPECT_EQ(generations().connections(), 1U) << "the one that was served";
    const std::vector<Delivery> untaken = generations().take_untaken();
    ASSERT_EQ(untaken.size(), 3U);
    EXPECT_TRUE(generations().take_untaken().empty());
    start();
    for (std::size_t i = 0; i < untaken.size(); ++i) {
        EXPECT_EQ(untaken[i].message.id, i + 2) << "oldest first";
        ASSERT_TRUE(current().hand_over(untaken[i], Generation::Wait::Never));
        expect_served(clients()[i + 1]);
    }
    EXPECT_EQ(generations().connections(), 4U);
}

TEST_F(GenerationsTest, CountNoLessThanZeroConnectionsWhenTheyReturnTheUntaken) {
    start(fake_zygote("generous"));
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(current().hand_over(delivery(), Generation::Wait::Never));
    }
    EXPECT_TRUE(becomes(0)) << "it takes one and reports three";
    ASSERT_EQ(::kill(current().pid(), SIGKILL), 0);
    EXPECT_EQ(next_end(), Generations::End::Current);
    EXPECT_EQ(generations().connections(), 0U);
    EXPECT_EQ(generations().take_untaken().size(), 2U);
}

TEST_F(GenerationsTest, ReadTheLastMessagesOfAZygoteThatDied) {
    start(fake_zygote("generous"));
    ASSERT_TRUE(current().hand_over(delivery(), Generation::Wait::Never));
    ASSERT_NE(loopback::events_of(current().channel(), POLLIN), 0);
    const pid_t zygote = current().pid();
    ASSERT_EQ(::kill(zygote, SIGKILL), 0);
    ASSERT_TRUE(loopback::wait_for_state(zygote, 'Z'));
    const auto ended = sys::reap();
    ASSERT_TRUE(ended);
    EXPECT_EQ(generations().on_child_end(*ended), Generations::End::Current);
    EXPECT_EQ(generations().connections(), 0U);
}

TEST_F(GenerationsTest, DropTheStartingOneWhenItsZygoteEnds) {
    add_starting(fake_zygote("dead"));
    EXPECT_EQ(next_end(), Generations::End::Starting);
    EXPECT_FALSE(generations().starting_is_ready());
    EXPECT_EQ(generations().connections(), 0U);
}

TEST_F(GenerationsTest, EndTheZygoteOfADroppedStartingOne) {
    add_starting(fake_zygote("silent"));
    generations().drop_starting();
    EXPECT_FALSE(generations().starting_is_ready());
    EXPECT_EQ(next_end(), Generations::End::Retired);
}

TEST_F(GenerationsTest, CountNoDroppedStartingZygoteAsAnOrphan) {
    start();
    serve_one();
    serve_one();
    ASSERT_EQ(::kill(current().pid(), SIGKILL), 0);
    EXPECT_EQ(next_end(), Generations::End::Current);
    add_starting(fake_zygote("silent"));
    generations().drop_starting();
    auto end = next_end();
    while (end == Generations::End::Other) end = next_end();  // a spare
    EXPECT_EQ(end, Generations::End::Retired);
    EXPECT_EQ(generations().connections(), 2U);
}

// The fake zygote has no dispatchers, so its connections end with it, unreported.
TEST_F(GenerationsTest, CountNoMoreOrphansThanChildrenBesidesZygotes) {
    start(fake_zygote("taking"));
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(current().hand_over(delivery(), Generation::Wait::Never));
        ASSERT_NE(read_reply(clients().back().get()).end, "silence");
    }
    ASSERT_EQ(::kill(current().pid(), SIGKILL), 0);
    EXPECT_EQ(next_end(), Generations::End::Current);
    ASSERT_EQ(generations().connections(), 3U);
    add_starting(fake_zygote("silent"));
    generations().recount_orphans(0);
    EXPECT_EQ(generations().connections(), 0U);
}

TEST_F(GenerationsTest, CountNoLessThanZeroConnections) {
    start(fake_zygote("generous"));
    ASSERT_TRUE(current().hand_over(delivery(), Generation::Wait::Never));
    EXPECT_TRUE(becomes(0));
    look_on();
    EXPECT_EQ(generations().connections(), 0U);
}

}  // namespace
}  // namespace portsplit::daemon
