#include "daemon/generations.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/child.h"
#include "support/loopback.h"
#include "sys/process.h"

namespace portsplit::daemon {
namespace {

using loopback::hear;
using loopback::Heard;
using loopback::Pair;
using loopback::say;
using sys::Clock;

core::Config echo() {
    core::Service service;
    service.name = "echo";
    service.patterns = {{core::PatternKind::String, "."}};
    service.action = core::Exec{"/bin/cat", {}, core::Stdio::Socket, core::StderrTo::Null};
    core::Config config;
    config.services = {service};
    return config;
}

/// A daemon without listening sockets. Its zygotes are the real ones; orphans become its
/// children.
class GenerationsTest : public testing::Test {
  protected:
    GenerationsTest() {
        sys::adopt_orphans();
        launchpad_.program.reset(::open(PORTSPLIT_DISPATCH, O_PATH | O_CLOEXEC));
        launchpad_.log = "/dev/null";
        launchpad_.file = "test.conf";
    }
    ~GenerationsTest() override {
        generations_.retire();
        clients_.clear();
        // Zygotes end with their last connection, and so does every dispatcher.
        const auto limit = Clock::now() + loopback::kPatience;
        while (sys::count_children() > 0 && Clock::now() < limit) {
            static_cast<void>(sys::reap());
        }
        EXPECT_EQ(sys::count_children(), 0U);
    }

    Generations& generations() { return generations_; }

    /// The generation that takes connections, where there is one.
    Generation& current() {
        Generation* current = generations_.current();
        if (current == nullptr) std::abort();
        return *current;
    }

    /// A new generation that is ready to serve.
    std::optional<Generation> ready_generation() {
        sys::Log log = sys::Log::to_descriptor(sys::UniqueFd(::fcntl(2, F_DUPFD_CLOEXEC, 3)));
        auto generation = Generation::start(launchpad_, echo(), std::nullopt, log);
        EXPECT_TRUE(generation);
        if (!generation) return std::nullopt;
        EXPECT_FALSE(generation->ready());
        while (!generation->ready()) {
            if (loopback::events_of(generation->channel(), POLLIN) == 0) return std::nullopt;
            generation->receive();
        }
        return std::move(*generation);
    }

    void start() {
        auto generation = ready_generation();
        ASSERT_TRUE(generation);
        generations_.change_to(std::move(*generation));
    }

    /// A new connection on its way to the current generation; the test keeps the client's end.
    Delivery delivery() {
        Pair pair = loopback::tcp_pair();
        const handoff::Connection message{
            .id = ++last_id_,
            .accepted = Clock::now(),
            .ends = {*sys::peer_address(pair.near.get()), *sys::local_address(pair.near.get())},
        };
        clients_.push_back(std::move(pair.far));
        return {message, std::move(pair.near)};
    }

    /// A client that is being served by the current generation.
    void serve_one() {
        ASSERT_TRUE(current().hand_over(delivery(), Generation::Wait::Never));
        expect_served(clients_.back());
    }

    /// From now on nobody takes what is handed over.
    void stop_taking() {
        ASSERT_EQ(::kill(current().pid(), SIGSTOP), 0);
        loopback::wait_for_state(current().pid(), 'T');
        for (const pid_t child : loopback::children_of(current().pid())) {
            if (loopback::name_of(child) == "cat") continue;  // which is being served
            ::kill(child, SIGKILL);
            loopback::wait_for_state(child, 'Z');
        }
    }

    static void expect_served(const sys::UniqueFd& client) {
        ASSERT_TRUE(say(client.get(), "."));
        ASSERT_EQ(hear(client.get(), 1), (Heard{".", "enough"}));
    }

    std::vector<sys::UniqueFd>& clients() { return clients_; }

    /// Takes messages and children until there are so many connections.
    bool becomes(std::size_t connections) {
        const auto limit = Clock::now() + loopback::kPatience;
        while (Clock::now() < limit) {
            generations_.receive();
            while (const auto ended = sys::reap()) last_end_ = generations_.on_child_end(*ended, 0);
            if (generations_.connections() == connections) return true;
            for (const int channel : generations_.channels()) {
                loopback::events_of(channel, POLLIN, std::chrono::milliseconds(5));
            }
        }
        return false;
    }

    /// Takes note of the next child that ends.
    std::optional<Generations::End> next_end() {
        last_end_.reset();
        const auto limit = Clock::now() + loopback::kPatience;
        while (!last_end_ && Clock::now() < limit) {
            if (const auto ended = sys::reap()) last_end_ = generations_.on_child_end(*ended, 0);
        }
        return last_end_;
    }

  private:
    Launchpad launchpad_;
    Generations generations_;
    std::vector<sys::UniqueFd> clients_;
    std::uint64_t last_id_ = 0;
    std::optional<Generations::End> last_end_;
};

TEST_F(GenerationsTest, AreNoneAtFirst) {
    EXPECT_EQ(generations().current(), nullptr);
    EXPECT_EQ(generations().connections(), 0U);
    EXPECT_TRUE(generations().channels().empty());
    EXPECT_EQ(generations().on_child_end({4711, 0}, 0), Generations::End::None);
}

TEST_F(GenerationsTest, CountAConnectionUntilItsProcessIsGone) {
    start();
    serve_one();
    serve_one();
    EXPECT_EQ(generations().connections(), 2U);
    clients().pop_back();
    EXPECT_TRUE(becomes(1));
    clients().pop_back();
    EXPECT_TRUE(becomes(0));
}

TEST_F(GenerationsTest, KeepTheConnectionsOfTheOldBesideTheNew) {
    start();
    serve_one();
    start();
    serve_one();
    EXPECT_EQ(generations().connections(), 2U);
    EXPECT_EQ(generations().channels().size(), 2U);
    ASSERT_TRUE(say(clients().front().get(), "old"));
    EXPECT_EQ(hear(clients().front().get(), 3), (Heard{"old", "enough"}));
    clients().erase(clients().begin());
    EXPECT_TRUE(becomes(1));
    ASSERT_TRUE(say(clients().front().get(), "new"));
    EXPECT_EQ(hear(clients().front().get(), 3), (Heard{"new", "enough"}));
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
    EXPECT_TRUE(generations().channels().empty());
}

TEST_F(GenerationsTest, CountTheConnectionsOfAZygoteThatDiedUntilTheyEnd) {
    start();
    serve_one();
    serve_one();
    ASSERT_EQ(::kill(current().pid(), SIGKILL), 0);
    EXPECT_EQ(next_end(), Generations::End::Current);
    EXPECT_EQ(generations().current(), nullptr);
    EXPECT_EQ(generations().connections(), 2U);
    ASSERT_TRUE(say(clients().front().get(), "alive"));
    EXPECT_EQ(hear(clients().front().get(), 5), (Heard{"alive", "enough"}));
    clients().pop_back();
    EXPECT_TRUE(becomes(1));
    clients().pop_back();
    EXPECT_TRUE(becomes(0));
}

TEST_F(GenerationsTest, ForgetWhatWasOverWhenTheZygoteDied) {
    start();
    serve_one();
    serve_one();
    ASSERT_EQ(::kill(current().pid(), SIGSTOP), 0);
    clients().pop_back();  // which the zygote cannot tell any more
    ASSERT_EQ(::kill(current().pid(), SIGKILL), 0);
    EXPECT_EQ(next_end(), Generations::End::Current);
    EXPECT_TRUE(becomes(1));
    clients().pop_back();
    EXPECT_TRUE(becomes(0));
}

TEST_F(GenerationsTest, LeaveNoSpareBehindWhenTheZygoteDied) {
    start();
    ASSERT_EQ(::kill(current().pid(), SIGKILL), 0);
    EXPECT_EQ(next_end(), Generations::End::Current);
    const auto limit = Clock::now() + loopback::kPatience;
    while (sys::count_children() > 0 && Clock::now() < limit) static_cast<void>(sys::reap());
    EXPECT_EQ(sys::count_children(), 0U);
}

TEST_F(GenerationsTest, GiveBackWhatAZygoteLeftUntakenWhenItDied) {
    start();
    serve_one();
    stop_taking();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(current().hand_over(delivery(), Generation::Wait::Never));
    }
    EXPECT_EQ(generations().connections(), 4U);
    ASSERT_EQ(::kill(current().pid(), SIGKILL), 0);
    EXPECT_EQ(next_end(), Generations::End::Current);
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

TEST_F(GenerationsTest, SayThatThereIsNoRoomInsteadOfWaiting) {
    start();
    stop_taking();
    const Delivery one = delivery();
    sys::Result<sys::Done> handed = sys::Done{};
    std::size_t sent = 0;
    for (; handed && sent < 1'000'000; ++sent) {
        handed = current().hand_over(one, Generation::Wait::Never);
    }
    ASSERT_FALSE(handed);
    EXPECT_EQ(handed.error().code, EAGAIN);
    EXPECT_EQ(generations().connections(), sent - 1) << "what was not handed over is not counted";
    ASSERT_EQ(::kill(current().pid(), SIGKILL), 0);
    EXPECT_EQ(next_end(), Generations::End::Current);
    EXPECT_EQ(generations().connections(), 0U);
}

}  // namespace
}  // namespace portsplit::daemon
