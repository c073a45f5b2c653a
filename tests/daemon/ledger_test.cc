#include "daemon/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace portsplit::daemon {
namespace {

using core::Penalty;
using std::chrono::milliseconds;
using testing::ElementsAre;
using Cause = handoff::Reaped::Cause;

constexpr Ledger::Time kStart{std::chrono::hours(1)};

core::IpAddress ip(const std::string& text) { return *core::IpAddress::parse(text); }

/// A ledger, with connections that have the ids 1, 2, ...
class LedgerTest : public testing::Test {
  protected:
    LedgerTest() { use(); }

    core::Config& config() { return config_; }
    void use(const std::vector<core::ServiceBudget>& services = {}) {
        ledger_.use(config_, services);
    }
    Refusal open(const std::string& client, int ms = 0, std::size_t listener = 0) {
        return ledger_.open(++id_, listener, ip(client), after(ms));
    }
    Refusal open_unix() { return ledger_.open(++id_, 0, std::nullopt, kStart); }
    /// Opens connections until one is refused, and returns how many came.
    int count_opened(const std::string& client, int ms = 0) {
        int count = 0;
        while (count < 5000 && open(client, ms) == Refusal::None) ++count;
        return count;
    }
    void close(Ledger::Id id, Cause cause = Cause::None, std::uint32_t penalty = 0, int ms = 0) {
        ledger_.close(id, {cause, penalty}, after(ms));
    }
    static Ledger::Time after(int ms) { return kStart + milliseconds(ms); }

    Ledger& ledger() { return ledger_; }
    /// Returns the ids of those that are to be ended.
    std::vector<Ledger::Id> taken(int ms = 200) {
        std::vector<Ledger::Id> ids;
        for (const Ledger::Excess& one : ledger_.take_excess(after(ms))) ids.push_back(one.id);
        return ids;
    }
    Ledger::Id id() const { return id_; }

  private:
    core::Config config_;
    Ledger ledger_;
    Ledger::Id id_ = 0;
};

// fault: B7
TEST_F(LedgerTest, GivesOneSourceATenthOfAllConnections) {
    EXPECT_EQ(count_opened("192.0.2.7"), 100);
    EXPECT_EQ(open("192.0.2.7"), Refusal::Source);
    EXPECT_EQ(open("192.0.2.8"), Refusal::None) << "another source is not concerned";
    close(1);
    EXPECT_EQ(open("192.0.2.7"), Refusal::None);
    EXPECT_EQ(open("192.0.2.7"), Refusal::Source);
}

// fault: B7
TEST_F(LedgerTest, CountsTheFirstHalfOfAnIpv6AddressAsOneSource) {
    config().top.maxconn_source = 2;
    use();
    EXPECT_EQ(open("2001:db8::1"), Refusal::None);
    EXPECT_EQ(open("2001:db8::ffff:2"), Refusal::None);
    EXPECT_EQ(open("2001:db8:0:0:1::3"), Refusal::Source);
    EXPECT_EQ(open("2001:db8:0:1::1"), Refusal::None);
}

TEST_F(LedgerTest, HasNoLimitThatTheFileDoesNotGiveForThisMachineAndForUnixSockets) {
    EXPECT_EQ(count_opened("127.0.0.1"), 5000);
    EXPECT_EQ(count_opened("::1"), 5000);
    for (int i = 0; i < 2000; ++i) ASSERT_EQ(open_unix(), Refusal::None);
    config().top.maxconn_source = 3;
    use();
    EXPECT_EQ(count_opened("127.0.0.2"), 3);
    EXPECT_EQ(open_unix(), Refusal::None);
}

TEST_F(LedgerTest, HasNoLimitWithoutMaxconn) {
    config().maxconn = 0;
    use();
    EXPECT_EQ(count_opened("192.0.2.7"), 5000);
    EXPECT_THAT(taken(), ElementsAre());
}

TEST_F(LedgerTest, CountsEachListenerByItself) {
    config().listeners = {{.name = "inner"}, {.name = "outer"}};
    config().listeners[0].maxconn_source = 0;
    config().listeners[1].maxconn_source = 1;
    use();
    for (int i = 0; i < 200; ++i) ASSERT_EQ(open("192.0.2.7", 0, 1), Refusal::None);
    EXPECT_EQ(open("192.0.2.7", 0, 2), Refusal::None);
    EXPECT_EQ(open("192.0.2.7", 0, 2), Refusal::Source);
}

TEST_F(LedgerTest, LimitsHowOftenASourceComes) {
    config().top.rate_source = {4, 10};
    use();
    EXPECT_EQ(count_opened("192.0.2.7", 0), 4);
    EXPECT_EQ(open("192.0.2.7", 9999), Refusal::Rate);
    EXPECT_EQ(open("192.0.2.8", 9999), Refusal::None);
    // The four count for less the longer ago they are.
    EXPECT_EQ(open("192.0.2.7", 10000), Refusal::Rate);
    EXPECT_EQ(count_opened("192.0.2.7", 15000), 2);
    EXPECT_EQ(count_opened("192.0.2.7", 40000), 4);
}

TEST_F(LedgerTest, KeepsASourceOutThatComesTooOften) {
    config().top.rate_source = {2, 10};
    config().top.penalty = {{.cause = Penalty::Cause::Rate, .seconds = 30}};
    use();
    EXPECT_EQ(count_opened("192.0.2.7"), 2);
    EXPECT_EQ(open("192.0.2.7", 29999), Refusal::Penalty);
    EXPECT_EQ(open("192.0.2.7", 30000), Refusal::None);
}

// fault: B8
TEST_F(LedgerTest, EndsTheOldestUndecidedOfTheSourceThatHasMost) {
    config().top.maxundecided = 4;
    use();
    for (const char* client : {"192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3"}) open(client);
    EXPECT_THAT(taken(), ElementsAre());
    open("192.0.2.4");
    const auto excess = ledger().take_excess(after(200));
    ASSERT_EQ(excess.size(), 1U);
    EXPECT_EQ(excess[0].id, 2U);
    EXPECT_EQ(excess[0].source, ip("192.0.2.2"));
    open("192.0.2.5");
    EXPECT_THAT(taken(), ElementsAre(1U)) << "of many with one each, the oldest";
    ledger().decide(3);
    open("192.0.2.6");
    EXPECT_THAT(taken(), ElementsAre());
    EXPECT_EQ(ledger().undecided(), 4U);
    // One that is being ended does not count twice.
    close(1);
    close(2);
    EXPECT_EQ(ledger().undecided(), 4U);
}

TEST_F(LedgerTest, EndsNoneBeforeItHadTimeToSpeak) {
    config().top.maxundecided = 1;
    use();
    open("192.0.2.1", 1000);
    EXPECT_THAT(taken(1000), ElementsAre());
    EXPECT_EQ(ledger().excess_due(), Ledger::Time::max());
    open("192.0.2.2", 1050);
    open("192.0.2.3", 1060);
    EXPECT_THAT(taken(1099), ElementsAre());
    EXPECT_EQ(ledger().excess_due(), after(1100));
    EXPECT_THAT(taken(1100), ElementsAre(1U));
    EXPECT_EQ(ledger().excess_due(), after(1150));
    ledger().decide(2);
    EXPECT_THAT(taken(1150), ElementsAre());
    EXPECT_EQ(ledger().excess_due(), Ledger::Time::max());
}

TEST_F(LedgerTest, SharesTheUndecidedLimitThatNobodyGives) {
    config().maxconn = 20;
    config().listeners = {{.name = "a"}, {.name = "own"}};
    config().listeners[1].maxundecided = 1;
    use();
    for (int i = 0; i < 5; ++i) open("192.0.2.1", 0, 0);
    for (int i = 0; i < 5; ++i) open("192.0.2.2", 0, 1);
    EXPECT_THAT(taken(), ElementsAre());
    open("192.0.2.3", 0, 2);
    EXPECT_THAT(taken(), ElementsAre());
    open("192.0.2.3", 0, 2);
    EXPECT_THAT(taken(), ElementsAre(11U));
    open("192.0.2.3", 0, 1);
    EXPECT_THAT(taken(), ElementsAre(1U));
}

TEST_F(LedgerTest, ShortensTheDeadlineWhereManyAreUndecided) {
    config().top.maxundecided = 8;
    use();
    const auto deadline = [&] { return ledger().deadline(0, milliseconds(5000)).count(); };
    for (int i = 0; i < 6; ++i) open("192.0.2." + std::to_string(i));
    EXPECT_EQ(deadline(), 5000);
    open("192.0.2.7");
    EXPECT_EQ(deadline(), 3000);
    open("192.0.2.8");
    EXPECT_EQ(deadline(), 1000);
    EXPECT_EQ(ledger().deadline(0, milliseconds(700)).count(), 700);
    EXPECT_EQ(ledger().deadline(0, milliseconds(0)).count(), 1000) << "of a listener without one";
    ledger().decide(1);
    ledger().decide(2);
    EXPECT_EQ(ledger().deadline(0, milliseconds(0)).count(), 0);
}

TEST_F(LedgerTest, KeepsASourceOutAfterACrashForAMinute) {
    open("192.0.2.7");
    open("127.0.0.1");
    close(1, Cause::Crash);
    close(2, Cause::Crash);
    EXPECT_EQ(open("192.0.2.7", 59999), Refusal::Penalty);
    EXPECT_EQ(open("192.0.2.8", 59999), Refusal::None);
    EXPECT_EQ(open("192.0.2.7", 60000), Refusal::None);
    EXPECT_EQ(open("127.0.0.1"), Refusal::None) << "many clients may come from here";
}

TEST_F(LedgerTest, KeepsASourceOutForAsLongAsTheFileSays) {
    config().top.penalty = {{.cause = Penalty::Cause::Crash, .seconds = 0},
                            {.cause = Penalty::Cause::Undecided, .seconds = 2}};
    use();
    open("192.0.2.7");
    close(1, Cause::Crash);
    EXPECT_EQ(open("192.0.2.7"), Refusal::None);
    close(2, Cause::Undecided);
    EXPECT_EQ(open("192.0.2.7", 1999), Refusal::Penalty);
    EXPECT_EQ(open("192.0.2.7", 2000), Refusal::None);
    close(id(), Cause::None, 5, 2000);
    EXPECT_EQ(open("192.0.2.7", 6999), Refusal::Penalty) << "the penalty of its service";
    EXPECT_EQ(open("192.0.2.7", 7000), Refusal::None);
}

TEST_F(LedgerTest, KeepsTheLongestOfTwoPenalties) {
    open("192.0.2.7");
    open("192.0.2.7");
    close(1, Cause::None, 20);
    close(2, Cause::None, 10);
    EXPECT_EQ(open("192.0.2.7", 19999), Refusal::Penalty);
}

TEST_F(LedgerTest, LimitsServicesByTheirNames) {
    use({{"ssh", 3, 2}});
    for (int i = 0; i < 3; ++i) open("192.0.2.7");
    open("192.0.2.8");
    open("192.0.2.9");
    EXPECT_EQ(ledger().choose(1, "ssh"), Refusal::None);
    EXPECT_EQ(ledger().choose(1, "ssh"), Refusal::None) << "a second question counts nothing";
    EXPECT_EQ(ledger().choose(2, "ssh"), Refusal::None);
    EXPECT_EQ(ledger().choose(3, "ssh"), Refusal::ServiceSource);
    EXPECT_EQ(ledger().choose(3, "web"), Refusal::None);
    EXPECT_EQ(ledger().choose(4, "ssh"), Refusal::None);
    EXPECT_EQ(ledger().choose(5, "ssh"), Refusal::Service);
    use({{"other", 1, 1}, {"ssh", 3, 2}});
    EXPECT_EQ(ledger().choose(5, "ssh"), Refusal::Service) << "they count after a reload";
    close(1);
    EXPECT_EQ(ledger().choose(5, "ssh"), Refusal::None);
    use();
    EXPECT_EQ(ledger().choose(3, "ssh"), Refusal::None);
}

TEST_F(LedgerTest, CountsTheClientOfABalancerOnceItIsNamed) {
    config().top.maxconn_source = 1;
    use();
    ledger().open_for_balancer(1, 0, kStart);
    ledger().open_for_balancer(2, 0, kStart);
    ledger().open_for_balancer(3, 0, kStart);
    EXPECT_EQ(ledger().name(1, ip("192.0.2.7"), kStart), Refusal::None);
    EXPECT_EQ(ledger().name(1, ip("192.0.2.8"), kStart), Refusal::None) << "once";
    EXPECT_EQ(ledger().name(2, ip("192.0.2.7"), kStart), Refusal::Source);
    EXPECT_EQ(ledger().name(3, ip("192.0.2.8"), kStart), Refusal::None);
    EXPECT_EQ(ledger().undecided(), 3U);
    EXPECT_THAT(ledger().largest_sources(), ElementsAre("192.0.2.7 (1)", "192.0.2.8 (1)"));
    close(1, Cause::None, 10);
    EXPECT_EQ(ledger().name(2, ip("192.0.2.7"), after(9999)), Refusal::Penalty);
}

TEST_F(LedgerTest, HasNewLimitsAfterAReload) {
    config().top.maxundecided = 3;
    use();
    for (int i = 0; i < 3; ++i) open("192.0.2.7");
    config().top.maxundecided = 1;
    config().top.maxconn_source = 2;
    use();
    EXPECT_THAT(taken(), ElementsAre(1U, 2U));
    EXPECT_EQ(open("192.0.2.7"), Refusal::Source);
    // A listener that is gone has no limits; what it has goes on.
    config().top.name = "main";
    config().listeners = {{.name = "main"}};
    use();
    EXPECT_EQ(ledger().undecided(), 1U);
}

TEST_F(LedgerTest, NamesTheSourcesWithTheMostConnections) {
    for (int i = 1; i < 5; ++i) {
        for (int n = 0; n < i; ++n) open("192.0.2." + std::to_string(i));
    }
    EXPECT_THAT(ledger().largest_sources(),
                ElementsAre("192.0.2.4 (4)", "192.0.2.3 (3)", "192.0.2.2 (2)"));
}

TEST_F(LedgerTest, IgnoresConnectionsThatItDoesNotKnow) {
    ledger().decide(7);
    ledger().forget(7);
    close(7, Cause::Crash);
    EXPECT_EQ(ledger().choose(7, "ssh"), Refusal::None);
    EXPECT_EQ(ledger().name(7, ip("192.0.2.7"), kStart), Refusal::None);
    EXPECT_EQ(open("192.0.2.7"), Refusal::None);
}

/// The budgets, counted anew for each question from a list of all connections.
class NaiveLedger {
  public:
    struct One {
        Ledger::Id id;
        std::size_t listener;
        std::string source;
        bool undecided = true;
        bool in_service = false;
    };
    explicit NaiveLedger(const core::Config& config) : config_(config) {}

    Refusal open(Ledger::Id id, std::size_t listener, const std::string& source, int now) {
        if (until_.contains(source) && now < until_[source]) return Refusal::Penalty;
        const auto limit = *config_.listeners[listener].maxconn_source;
        std::size_t count = 0;
        for (const One& one : all_) count += one.listener == listener && one.source == source;
        if (count >= limit) return Refusal::Source;
        all_.push_back({id, listener, source});
        return Refusal::None;
    }
    Refusal choose(Ledger::Id id, std::size_t all, std::size_t of_source) {
        One* asking = find(id);
        if (asking == nullptr || asking->in_service) return Refusal::None;
        std::size_t count = 0;
        std::size_t same = 0;
        for (const One& one : all_) {
            count += one.in_service;
            same += one.in_service && one.source == asking->source;
        }
        if (count >= all) return Refusal::Service;
        if (same >= of_source) return Refusal::ServiceSource;
        asking->in_service = true;
        return Refusal::None;
    }
    /// Returns the id of some connection, or now and then of none.
    Ledger::Id any(std::size_t number) const {
        const std::size_t place = number % (all_.size() + 1);
        return place == all_.size() ? 0 : all_[place].id;
    }
    void decide(Ledger::Id id) {
        if (One* one = find(id)) one->undecided = false;
    }
    void close(Ledger::Id id, int penalty, int now) {
        if (const One* one = find(id); one != nullptr && penalty > 0) {
            int& until = until_[one->source];
            until = std::max(until, now + penalty * 1000);
        }
        std::erase_if(all_, [&](const One& one) { return one.id == id; });
    }
    /// The one to be ended at a listener; none if there are not too many.
    std::optional<Ledger::Id> excess(std::size_t listener) {
        std::map<std::string, std::vector<Ledger::Id>> of;
        std::size_t count = 0;
        for (const One& one : all_) {
            if (one.listener != listener || !one.undecided) continue;
            of[one.source].push_back(one.id);
            ++count;
        }
        if (count <= *config_.listeners[listener].maxundecided) return std::nullopt;
        std::size_t most = 0;
        for (const auto& [source, ids] : of) most = std::max(most, ids.size());
        std::optional<Ledger::Id> oldest;
        for (const auto& [source, ids] : of) {
            if (ids.size() == most && (!oldest || ids.front() < *oldest)) oldest = ids.front();
        }
        return oldest;
    }

  private:
    One* find(Ledger::Id id) {
        const auto found = std::ranges::find(all_, id, &One::id);
        return found == all_.end() ? nullptr : &*found;
    }

    const core::Config& config_;
    std::vector<One> all_;
    std::map<std::string, int> until_;
};

TEST(LedgerProperty, AgreesWithTheNaiveOne) {
    std::mt19937 random(20);
    const auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
    core::Config config;
    config.listeners = {{.name = "main"}, {.name = "other"}};
    config.listeners[0].maxconn_source = 3;
    config.listeners[0].maxundecided = 4;
    config.listeners[1].maxconn_source = 5;
    config.listeners[1].maxundecided = 3;
    Ledger ledger;
    ledger.use(config, {{"ssh", 6, 2}});
    NaiveLedger naive(config);
    Ledger::Id id = 0;
    int now = 0;
    int refused = 0;
    int ended = 0;
    for (int i = 0; i < 60'000; ++i) {
        now += below(200);
        const auto time = kStart + milliseconds(now);
        const Ledger::Id any = naive.any(random());
        switch (below(9)) {
            case 0:
            case 1:
            case 2:
            case 3:
            case 4: {
                const auto listener = static_cast<std::size_t>(below(2));
                const std::string source = "192.0.2." + std::to_string(below(6));
                ++id;
                const Refusal got = ledger.open(id, listener, ip(source), time);
                ASSERT_EQ(got, naive.open(id, listener, source, now)) << i;
                refused += got != Refusal::None;
                const auto excess = ledger.take_excess(time + Ledger::kYoung);
                const auto expected = naive.excess(listener);
                ASSERT_EQ(excess.size(), expected ? 1U : 0U) << i;
                if (expected) {
                    ASSERT_EQ(excess.front().id, *expected) << i;
                    naive.decide(*expected);
                    ++ended;
                }
                break;
            }
            case 5:
                ASSERT_EQ(ledger.choose(any, "ssh"), naive.choose(any, 6, 2)) << i;
                break;
            case 6:
                ledger.decide(any);
                naive.decide(any);
                break;
            default: {
                const int penalty = below(10) == 0 ? 1 : 0;
                ledger.close(any, {Cause::None, static_cast<std::uint32_t>(penalty)}, time);
                naive.close(any, penalty, now);
            }
        }
    }
    EXPECT_GT(refused, 1000);
    EXPECT_GT(ended, 100);
}

// An attacker chooses the addresses.
// fault: B7
TEST(LedgerProperty, HasABoundOnWhatItKeepsOfSourcesWithoutConnections) {
    core::Config config;
    config.top.rate_source = {1, 3600};
    Ledger ledger;
    ledger.use(config, {});
    const auto from = [](unsigned i) {
        return ip("10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
                  std::to_string(i & 255));
    };
    for (unsigned i = 0; i < 300'000; ++i) {
        ASSERT_EQ(ledger.open(i + 1, 0, from(i), kStart), Refusal::None);
        ledger.close(i + 1, {Cause::None, 600}, kStart);
    }
    EXPECT_LE(ledger.kept(), 3 * Ledger::kMostKept);
    EXPECT_EQ(ledger.open(300'001, 0, from(299'999), kStart), Refusal::Penalty);
}

}  // namespace
}  // namespace portsplit::daemon
