#include "dispatch/spares.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "support/child.h"
#include "support/loopback.h"
#include "sys/channel.h"

namespace portsplit::dispatch {
namespace {

using loopback::Child;
using State = Spares::State;

/// The zygote's table and the daemon's end of a channel.
class SparesTest : public testing::Test {
  protected:
    SparesTest() : spares_(*Spares::create()) {
        auto channel = sys::channel_pair();
        EXPECT_TRUE(channel);
        daemon_ = std::move(channel->first);
        zygote_ = std::move(channel->second);
    }

    Spares& spares() { return spares_; }
    int channel() const { return zygote_.get(); }
    void close_channel() { daemon_.reset(); }

    /// Forks a spare that takes a message, calls `next` and then waits until it is killed.
    template <typename Next>
    Child& spare(Next next) {
        Spares::Place* place = spares_.clear_place();
        EXPECT_NE(place, nullptr);
        children_.push_back(std::make_unique<Child>([&, next] {
            daemon_.reset();
            const auto client = spares_.take(*place, channel(), 1);
            next(*place, client.has_value());
            while (true) ::pause();
            return 0;
        }));
        spares_.settle(*place, children_.back()->pid());
        return *children_.back();
    }
    Child& spare() {
        return spare([](const Spares::Place&, bool) {});
    }
    /// Forks a spare that exits with 0 unless it takes a connection.
    Child& spare_without_connection() {
        return spare([](const Spares::Place&, bool taken) { ::_exit(taken ? 1 : 0); });
    }

    void hand_over(std::uint64_t id, int client) {
        const handoff::Handover message{.id = id};
        send(std::as_bytes(std::span(&message, 1)), client);
    }
    void send(core::Bytes message, int client) {
        ASSERT_TRUE(sys::send_message(daemon_.get(), message, client, 0));
        ASSERT_TRUE(loopback::comes_true([&] {
            return loopback::events_of(channel(), POLLIN, std::chrono::milliseconds(0)) == 0;
        })) << "no spare took the message";
    }

    static void kill(Child& spare) {
        ::kill(spare.pid(), SIGKILL);
        EXPECT_NE(spare.status(), -1);
    }

  private:
    Spares spares_;
    sys::UniqueFd daemon_;
    sys::UniqueFd zygote_;
    std::vector<std::unique_ptr<Child>> children_;
};

TEST_F(SparesTest, ListsTheOldestFirst) {
    EXPECT_TRUE(spares().waiting().empty());
    Child& first = spare();
    const pid_t first_pid = first.pid();
    const pid_t second = spare().pid();
    const pid_t third = spare().pid();
    kill(first);
    ASSERT_TRUE(spares().on_end(first_pid));
    const pid_t fourth = spare().pid();  // in the place of the first
    EXPECT_EQ(spares().waiting(), (std::vector<pid_t>{second, third, fourth}));
}

TEST_F(SparesTest, AreNoneBeforeTheFirstFork) {
    EXPECT_EQ(spares().count(), 0U);
    EXPECT_FALSE(spares().next_departure());
    EXPECT_FALSE(spares().on_end(4711));
}

TEST_F(SparesTest, HaveEightPlaces) {
    for (std::size_t i = 0; i < kSpares; ++i) {
        Spares::Place* place = spares().clear_place();
        ASSERT_NE(place, nullptr);
        spares().settle(*place, static_cast<pid_t>(100 + i));
    }
    EXPECT_EQ(spares().count(), kSpares);
    EXPECT_EQ(spares().clear_place(), nullptr);
    EXPECT_TRUE(spares().on_end(101));
    EXPECT_NE(spares().clear_place(), nullptr);
}

TEST_F(SparesTest, DepartWithTheConnectionTheyTook) {
    Child& child = spare([](Spares::Place& place, bool taken) {
        if (taken) place.state.store(State::Taken);
    });
    const pid_t pid = child.pid();
    hand_over(42, STDIN_FILENO);
    std::optional<Spares::Departure> departure;
    ASSERT_TRUE(loopback::comes_true([&] {
        departure = spares().next_departure();
        return departure.has_value();
    }));
    EXPECT_EQ(departure->pid, pid);
    EXPECT_EQ(departure->message.id, 42U);
    EXPECT_EQ(spares().count(), 0U);
    EXPECT_FALSE(spares().on_end(pid));
    kill(child);
}

TEST_F(SparesTest, LeaveTheConnectionInTheirPlaceWhenKilled) {
    Child& child = spare();
    const pid_t pid = child.pid();
    hand_over(42, STDIN_FILENO);
    EXPECT_FALSE(spares().next_departure());
    kill(child);
    const auto ended = spares().on_end(pid);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->state, State::Waiting);
    EXPECT_EQ(ended->message.id, 42U);
}

TEST_F(SparesTest, LeaveNoConnectionInTheirPlaceWhenKilledBeforeTheyReceiveOne) {
    Child& child = spare();
    const pid_t pid = child.pid();
    kill(child);
    const auto ended = spares().on_end(pid);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->message.id, 0U);
}

TEST_F(SparesTest, AreDismissedByTheDaemonsEof) {
    Child& child = spare_without_connection();
    const pid_t pid = child.pid();
    close_channel();
    EXPECT_EQ(child.status(), 0);
    EXPECT_EQ(spares().on_end(pid)->state, State::Dismissed);
}

TEST_F(SparesTest, AreDismissedByADaemonThatIsGoneWithMessagesUnread) {
    // unix(7): then the first to receive gets ECONNRESET, not EOF.
    const handoff::Ready unread;
    ASSERT_TRUE(sys::send_message(channel(), std::as_bytes(std::span(&unread, 1)), -1, 0));
    Child& child = spare_without_connection();
    const pid_t pid = child.pid();
    close_channel();
    EXPECT_EQ(child.status(), 0);
    EXPECT_EQ(spares().on_end(pid)->state, State::Dismissed);
}

// fault: F8
TEST_F(SparesTest, RefuseAMessageThatIsNoConnection) {
    handoff::Handover wrong{.id = 9};
    wrong.kind = handoff::Kind::Reaped;
    handoff::Handover foreign{.id = 7};
    foreign.arrival.listener = 1;
    const core::Bytes bytes = std::as_bytes(std::span(&wrong, 1));
    const struct {
        core::Bytes message;
        int client;
        std::uint64_t id;
        const char* what;
    } cases[] = {{bytes, STDIN_FILENO, 9, "another kind"},
                 {bytes.first(bytes.size() - 1), STDIN_FILENO, 0, "a byte too short"},
                 {std::as_bytes(std::span(&foreign, 1)), STDIN_FILENO, 7,
                  "of a listener that the plan does not have"}};
    for (const auto& test : cases) {
        Child& child = spare_without_connection();
        const pid_t pid = child.pid();
        send(test.message, test.client);
        EXPECT_EQ(child.status(), 0) << test.what;
        const auto ended = spares().on_end(pid);
        ASSERT_TRUE(ended) << test.what;
        EXPECT_EQ(ended->state, State::Misunderstood) << test.what;
        EXPECT_EQ(ended->message.id, test.id) << test.what;
    }
}

// fault: F8
TEST_F(SparesTest, KeepTheIdOfAConnectionWhoseSocketDoesNotFit) {
    const handoff::Handover message{.id = 5};
    const core::Bytes bytes = std::as_bytes(std::span(&message, 1));
    // Without a socket; and with one, of a spare that may have no further descriptor.
    for (const int client : {-1, STDIN_FILENO}) {
        rlimit before{};
        ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
        Child& child = spare_without_connection();
        const pid_t pid = child.pid();
        const rlimit few{.rlim_cur = 3, .rlim_max = before.rlim_max};
        ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, &few, nullptr), 0);
        send(bytes, client);
        EXPECT_EQ(child.status(), 0);
        const auto ended = spares().on_end(pid);
        ASSERT_TRUE(ended);
        EXPECT_EQ(ended->state, State::Clientless);
        EXPECT_EQ(ended->message.id, 5U);
    }
}

}  // namespace
}  // namespace portsplit::dispatch
