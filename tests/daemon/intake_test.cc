#include "daemon/intake.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/log_of_lines.h"
#include "support/loopback.h"
#include "support/moved_clock.h"
#include "support/zygotes.h"
#include "sys/socket.h"

namespace portsplit::daemon {
namespace {

using loopback::read_reply;
using loopback::Reply;
using loopback::send_all;
using std::chrono::milliseconds;
using std::chrono::seconds;
using sys::Clock;

/// An intake with listeners and clients. A fake zygote counts the connections and takes none.
class IntakeTest : public testing::Test {
  protected:
    IntakeTest() {
        sys::adopt_orphans();
        intake_.limit_connections(0);
    }
    ~IntakeTest() override {
        generations_.retire();
        clients_.clear();
        expect_no_child_left();
    }

    void start_zygote(const Launchpad& launchpad = fake_zygote("ready")) {
        auto generation = Generation::start(launchpad, echo_memory().get(), "", {}, log_.log());
        ASSERT_TRUE(generation);
        generations_.add_starting(*std::move(generation));
        generations_.promote_starting();
    }

    /// Adds a listener in whose accept queue so many clients wait.
    const ListeningSocket& add_listener(int clients) {
        ListeningSocket listener;
        listener.fd = loopback::listener_on("127.0.0.1");
        listener.bound = *sys::local_address(listener.fd.get());
        listener.text = listener.bound.text();
        for (int i = 0; i < clients; ++i) {
            auto client = sys::start_connect(listener.bound);
            EXPECT_TRUE(client);
            loopback::events_of(client->get(), POLLOUT);
            clients_.push_back(*std::move(client));
        }
        sockets_.push_back(std::move(listener));
        return sockets_.back();
    }

    /// Returns the socket that was added last, as one that closes.
    std::vector<ListeningSocket> take_last() {
        std::vector<ListeningSocket> closing;
        closing.push_back(std::move(sockets_.back()));
        sockets_.pop_back();
        return closing;
    }
    ListeningSocket take_listener(int clients) {
        add_listener(clients);
        return std::move(take_last().front());
    }

    /// Adds a socket that is readable and on which every accept(2) fails with EOPNOTSUPP.
    const ListeningSocket& add_broken_listener() {
        ListeningSocket listener;
        listener.fd.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const sys::Address any = *sys::Address::from(core::Endpoint{"127.0.0.1", 0});
        EXPECT_EQ(::bind(listener.fd.get(), any.data(), any.size()), 0);
        listener.bound = *sys::local_address(listener.fd.get());
        listener.text = "broken";
        EXPECT_EQ(
            ::sendto(listener.fd.get(), "x", 1, 0, listener.bound.data(), listener.bound.size()),
            1);
        loopback::events_of(listener.fd.get(), POLLIN);
        sockets_.push_back(std::move(listener));
        return sockets_.back();
    }

    /// Runs the daemon's loop once and waits at most `limit`.
    /// @returns how many descriptors were ready
    int turn(milliseconds limit = milliseconds(0)) {
        sys::PollSet set;
        intake_.watch(set, sockets_);
        set.wake_at(Clock::now() + limit);
        const auto ready = set.wait();
        intake_.hand_over();
        intake_.accept_ready(set, sockets_);
        return ready ? *ready : -1;
    }

    /// How long a turn without a ready descriptor waits.
    milliseconds pause() {
        const auto before = Clock::now();
        EXPECT_EQ(turn(loopback::kPatience), 0);
        return std::chrono::duration_cast<milliseconds>(Clock::now() - before);
    }

    Delivery delivery(std::uint64_t id) {
        Delivery result;
        result.message.id = id;
        result.client.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        return result;
    }
    void put_back(std::uint64_t id) {
        std::vector<Delivery> one;
        one.push_back(delivery(id));
        intake_.put_back(std::move(one));
    }

    /// Hands over connections until the channel is full and one waits in the queue.
    /// @returns the id of the last
    std::uint64_t fill_channel() {
        std::uint64_t id = 0;
        while (!intake_.has_queue() && id < 100'000) {
            put_back(++id);
            intake_.hand_over();
        }
        EXPECT_TRUE(intake_.has_queue());
        return id;
    }

    Intake& intake() { return intake_; }
    Generations& generations() { return generations_; }
    Generation& current() {
        if (generations_.current() == nullptr) std::abort();
        return *generations_.current();
    }
    std::vector<ListeningSocket>& listeners() { return sockets_; }
    std::vector<sys::UniqueFd>& clients() { return clients_; }
    sys::Log& unused_log() { return log_.log(); }
    std::string log() { return log_.lines(); }

  private:
    LogOfLines log_;
    Accounts accounts_;
    Generations generations_{accounts_};
    Intake intake_{generations_, accounts_, log_.log()};
    std::vector<ListeningSocket> sockets_;
    std::vector<sys::UniqueFd> clients_;
};

TEST_F(IntakeTest, HasTheDefaultLimitAtFirst) {
    Accounts accounts;
    EXPECT_EQ(Intake(generations(), accounts, unused_log()).connection_limit(), 1000U);
}

TEST_F(IntakeTest, HandsOverWhatItAccepts) {
    start_zygote();
    add_listener(2);
    EXPECT_EQ(turn(), 1);
    EXPECT_EQ(generations().connections(), 2U);
    EXPECT_FALSE(intake().has_queue());
    const std::vector<Delivery> sent = current().take_back();
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[0].message.id, 1U);
    EXPECT_EQ(sent[1].message.id, 2U);
    EXPECT_EQ(sent[0].message.arrival.ends.peer.text(),
              sys::local_address(clients()[0].get())->text());
}

TEST_F(IntakeTest, AcceptsABatchFromOneListenerBeforeTheNext) {
    start_zygote();
    add_listener(40);
    add_listener(1);
    EXPECT_EQ(turn(), 2);
    EXPECT_EQ(generations().connections(), 33U);
    turn();
    EXPECT_EQ(generations().connections(), 41U);
}

TEST_F(IntakeTest, ResetsWhomTheListenerDenies) {
    start_zygote();
    const sys::Address bound = add_listener(1).bound;
    auto facts = std::make_shared<Facts>();
    facts->config.top.deny = {
        {core::Prefix::Kind::Internet, 8, core::IpAddress::loopback_v4().first_of(8), {}}};
    facts->admission = Admission(facts->config);
    intake().use(facts);
    turn();
    EXPECT_EQ(generations().connections(), 0U);
    EXPECT_FALSE(intake().has_queue());
    const sys::Ends ends{*sys::local_address(clients().front().get()), bound};
    EXPECT_EQ(read_reply(clients().front().get()), (Reply{"", "reset"}));
    EXPECT_EQ(log(), "service=- reason=denied " + sys::text_of(ends) +
                         " action=close target=- in=0 out=0 ms=0\n");
}

TEST_F(IntakeTest, ServesWhomTheListenerDoesNotDeny) {
    start_zygote();
    add_listener(1);
    auto facts = std::make_shared<Facts>();
    facts->config.top.deny = {{core::Prefix::Kind::Internet, 0, core::IpAddress::any_v6(), {}}};
    facts->admission = Admission(facts->config);
    intake().use(facts);
    turn();
    EXPECT_EQ(generations().connections(), 1U);
    EXPECT_EQ(log(), "");
}

TEST_F(IntakeTest, ResetsAClientWhoseSourceHasAsManyAsItMay) {
    start_zygote();
    add_listener(3);
    auto facts = std::make_shared<Facts>();
    facts->config.top.maxconn_source = 1;
    intake().use(facts);
    turn();
    EXPECT_EQ(generations().connections(), 1U);
    EXPECT_THAT(log(), testing::MatchesRegex("service=- reason=limit src=127.0.0.1 .* ms=0 "
                                             "limit=maxconn-source\n"))
        << "one line for both";
    MovedClock clock;
    clock.move(seconds(61));
    intake().report_limits();
    EXPECT_EQ(log(),
              "refused 1 more connection in the last minute: 1 by maxconn-source; most "
              "from 127.0.0.1 (1)\n");
}

TEST_F(IntakeTest, DoesNotCountABalancerAsASource) {
    start_zygote();
    add_listener(3);
    auto facts = std::make_shared<Facts>();
    facts->config.top.maxconn_source = 1;
    facts->config.top.proxy_from = {
        {core::Prefix::Kind::Internet, 32, core::IpAddress::loopback_v4(), {}}};
    facts->admission = Admission(facts->config);
    intake().use(facts);
    turn();
    EXPECT_EQ(generations().connections(), 3U);
    EXPECT_EQ(log(), "");
}

TEST_F(IntakeTest, HurriesClientsWhileManyAreUndecided) {
    start_zygote(fake_zygote("ready"));
    add_listener(4);
    auto facts = std::make_shared<Facts>();
    facts->config.top.maxundecided = 4;
    intake().use(facts);
    turn();
    const auto sent = generations().current()->take_back();
    ASSERT_EQ(sent.size(), 4U);
    EXPECT_EQ(sent[2].message.arrival.hurry.count(), 0);
    EXPECT_EQ(sent[3].message.arrival.hurry.count(), 1000);
}

// fault: B6
TEST_F(IntakeTest, LeavesClientsInTheAcceptQueueAtTheLimit) {
    intake().limit_connections(2);
    start_zygote();
    add_listener(3);
    turn();
    EXPECT_EQ(generations().connections(), 2U);
    EXPECT_FALSE(intake().has_queue());
    EXPECT_EQ(turn(), 0) << "the listener is not watched";
    intake().limit_connections(3);
    EXPECT_EQ(turn(), 1);
    EXPECT_EQ(generations().connections(), 3U);
}

TEST_F(IntakeTest, ReportsTheLimitAndItsHoldersOnceAMinute) {
    intake().use(std::make_shared<Facts>());
    start_zygote();
    add_listener(3);
    const auto reported = [&] {
        intake().report_limits();
        return log();
    };
    intake().limit_connections(3);
    (void)log();
    EXPECT_EQ(reported(), "") << "not reached";
    intake().limit_connections(2);
    turn();
    EXPECT_EQ(reported(),
              "maxconn = 2 reached; new clients wait until a connection ends; most connections: "
              "127.0.0.1 (2)\n");
    EXPECT_EQ(reported(), "");
    MovedClock clock;
    clock.move(seconds(61));
    EXPECT_NE(reported(), "");
    clock.move(seconds(61));
    intake().limit_connections(3);
    EXPECT_EQ(reported(), "");
}

TEST_F(IntakeTest, QueuesOneConnectionWhileNoZygoteLives) {
    add_listener(2);
    turn();
    EXPECT_TRUE(intake().has_queue());
    EXPECT_EQ(turn(), 0) << "the listener is not watched";
    start_zygote();
    turn();
    EXPECT_EQ(generations().connections(), 1U);
    turn();
    EXPECT_EQ(generations().connections(), 2U);
}

// fault: B1
TEST_F(IntakeTest, PausesWhenEveryAcceptOfABatchFails) {
    start_zygote();
    add_broken_listener();
    EXPECT_EQ(turn(), 1);
    EXPECT_EQ(log(),
              "cannot accept on broken, clients wait until it works again: Operation not "
              "supported\n");
    EXPECT_GT(pause(), milliseconds(50));
    EXPECT_EQ(turn(), 1) << "watched again";
}

TEST_F(IntakeTest, LeavesOutAListenerThatWasNotWatched) {
    start_zygote();
    add_listener(1);
    sys::PollSet set;
    intake().watch(set, listeners());
    add_listener(1);
    ASSERT_TRUE(set.wait());
    intake().accept_ready(set, listeners());
    EXPECT_EQ(generations().connections(), 1U);
}

TEST_F(IntakeTest, AcceptsTheRestOfAClosingListenerAboveTheLimit) {
    intake().limit_connections(1);
    start_zygote();
    add_listener(3);
    intake().change_configuration({}, {}, take_last());
    EXPECT_EQ(generations().connections(), 3U);
    EXPECT_FALSE(intake().has_queue());
}

// fault: B2
TEST_F(IntakeTest, LeavesAClosingListenerOnWhichEveryAcceptFails) {
    add_broken_listener();
    const auto before = Clock::now();
    intake().stop(take_last());
    EXPECT_LT(Clock::now() - before, milliseconds(700)) << "not until the time limit";
}

/// Returns a configuration with sections for these listeners.
core::Config with_listeners(const std::vector<std::string>& names) {
    core::Config config;
    for (const std::string& name : names) {
        config.listeners.emplace_back().name = name;
    }
    return config;
}

TEST_F(IntakeTest, GivesTheClientsOfTheOldConfigurationToTheCurrentGeneration) {
    start_zygote();
    put_back(7);
    std::vector<ListeningSocket> closing;
    closing.push_back(take_listener(2));
    closing.front().listener = 1;
    intake().change_configuration(with_listeners({"old"}), with_listeners({"new"}), closing);
    EXPECT_FALSE(intake().has_queue());
    const std::vector<Delivery> sent = current().take_back();
    ASSERT_EQ(sent.size(), 3U);
    EXPECT_EQ(sent[0].message.arrival.listener, 0U);
    EXPECT_EQ(sent[1].message.arrival.listener, 1U);
    EXPECT_EQ(log(), "");
}

TEST_F(IntakeTest, KeepsClientsForTheListenerOfTheSameNameWhileNoZygoteLives) {
    std::vector<ListeningSocket> closing;
    closing.push_back(take_listener(1));
    closing.back().listener = 2;  // b
    closing.push_back(take_listener(1));
    closing.back().listener = 1;  // a
    intake().change_configuration(with_listeners({"a", "b"}), with_listeners({"c", "d", "b"}),
                                  closing);
    EXPECT_EQ(log(), "a client of the removed listener a is closed: no process could take it\n");
    start_zygote();
    intake().hand_over();
    const std::vector<Delivery> sent = current().take_back();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].message.arrival.listener, 3U);
}

TEST_F(IntakeTest, WaitsOnceForAGenerationThatTakesNoClientsOfARemovedListener) {
    start_zygote();
    fill_channel();
    std::vector<ListeningSocket> closing;
    closing.push_back(take_listener(4));
    closing.back().listener = 1;
    const auto before = Clock::now();
    intake().change_configuration(with_listeners({"old"}), with_listeners({"new"}), closing);
    const auto waited = Clock::now() - before;
    EXPECT_GE(waited, milliseconds(900));
    EXPECT_LT(waited, milliseconds(1900)) << "a second for each client";
    EXPECT_FALSE(log().empty());
}

TEST_F(IntakeTest, HandsOverInTheOrderOfTheQueue) {
    put_back(7);
    put_back(5);
    start_zygote();
    intake().hand_over();
    const std::vector<Delivery> sent = current().take_back();
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[0].message.id, 7U);
    EXPECT_EQ(sent[1].message.id, 5U);
}

TEST_F(IntakeTest, WaitsForRoomWhenTheChannelIsFull) {
    start_zygote();
    const std::uint64_t id = fill_channel();
    EXPECT_EQ(turn(loopback::kMoment), 0) << "no room";
    EXPECT_EQ(current().take_back().size(), id - 1);
    EXPECT_EQ(turn(loopback::kPatience), 1) << "room";
    EXPECT_FALSE(intake().has_queue());
}

TEST_F(IntakeTest, RetriesAfterAPauseWhenTheChannelIsShut) {
    start_zygote();
    current().retire();
    put_back(1);
    intake().hand_over();
    EXPECT_TRUE(intake().has_queue());
    const milliseconds waited = pause();
    EXPECT_GT(waited, milliseconds(50));
    EXPECT_LT(waited, loopback::kPatience);
}

TEST_F(IntakeTest, HandsOverTheWholeQueueAtTheEndAboveTheLimit) {
    intake().limit_connections(1);
    start_zygote(real_zygote());
    put_back(7);
    put_back(8);
    intake().hand_over();
    ASSERT_EQ(generations().connections(), 1U);
    add_listener(3);
    intake().stop(take_last());
    EXPECT_FALSE(intake().has_queue());
    generations().retire();
    for (const sys::UniqueFd& client : clients()) {
        ASSERT_TRUE(send_all(client.get(), "."));
        EXPECT_EQ(read_reply(client.get(), 1), (Reply{".", "enough"}));
    }
}

TEST_F(IntakeTest, WaitsASecondForRoomAtTheEndAndThenClosesTheQueue) {
    start_zygote();
    std::uint64_t id = fill_channel();
    for (int i = 0; i < 4; ++i) put_back(++id);
    const auto before = Clock::now();
    intake().stop({});
    const auto waited = Clock::now() - before;
    EXPECT_GE(waited, milliseconds(900));
    EXPECT_LT(waited, seconds(4)) << "a second for each connection";
    EXPECT_FALSE(intake().has_queue());
}

TEST_F(IntakeTest, ClosesTheQueueAtTheEndWhenNoZygoteLives) {
    add_listener(1);
    intake().stop(take_last());
    EXPECT_FALSE(intake().has_queue());
    EXPECT_EQ(read_reply(clients()[0].get()), (Reply{"", "end"}));
}

}  // namespace
}  // namespace portsplit::daemon
