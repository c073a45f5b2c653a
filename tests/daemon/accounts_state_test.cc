// The ledger and the refusals over an upgrade (src/daemon/accounts_state.cc).

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "daemon/ledger.h"
#include "daemon/refusals.h"
#include "daemon/state.h"
#include "support/state_bytes.h"

namespace portsplit::daemon {
namespace {

using Descriptors = StateReader::Descriptors;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr sys::Clock::time_point kNow{std::chrono::hours(3)};

core::IpAddress ip(const std::string& text) { return *core::IpAddress::parse(text); }

/// Does random things to two ledgers, of which one goes through its bytes all the time.
class TwoLedgers {
  public:
    explicit TwoLedgers(unsigned seed) : random_(seed) {
        config_.listeners = {{.name = "main"}, {.name = "other"}};
        config_.listeners[0].maxconn_source = 3;
        config_.listeners[0].maxundecided = 4;
        config_.listeners[1].rate_source = {4, 2};
        config_.listeners[1].maxconn_source = 5;
        one_.use(config_, services_);
        upgrade();
    }

    /// Puts the bytes of the first in place of the second.
    void upgrade() {
        const std::string bytes = bytes_of(one_);
        StateReader reader(bytes, Descriptors::Leave);
        two_.emplace();
        two_->take_from(reader);
        ASSERT_TRUE(reader.is_done());
        two_->use(config_, services_);
        ASSERT_EQ(bytes_of(*two_), bytes);
    }

    void do_something() {
        now_ += milliseconds(below(150));
        const Ledger::Id any = 1 + below(static_cast<unsigned>(id_) + 1);
        const auto client = source();
        const std::size_t listener = below(2);
        switch (below(9)) {
            case 0:
            case 1:
            case 2:
                ++id_;
                ASSERT_EQ(one_.open(id_, listener, client, now_),
                          two_->open(id_, listener, client, now_));
                break;
            case 3:
                ++id_;
                one_.open_for_balancer(id_, listener, now_);
                two_->open_for_balancer(id_, listener, now_);
                break;
            case 4:
                ASSERT_EQ(one_.name(any, client, now_), two_->name(any, client, now_));
                break;
            case 5:
                // A connection has its client before it asks for a service.
                if (one_.name(any, client, now_) != Refusal::None) {
                    ASSERT_NE(two_->name(any, client, now_), Refusal::None);
                    break;
                }
                ASSERT_EQ(two_->name(any, client, now_), Refusal::None);
                ASSERT_EQ(one_.choose(any, "ssh"), two_->choose(any, "ssh"));
                break;
            case 6:
                one_.decide(any);
                two_->decide(any);
                break;
            case 7:
                one_.forget(any);
                two_->forget(any);
                break;
            default: {
                const Cost cost{handoff::Reaped::Cause::None, below(20) == 0 ? 1U : 0U};
                one_.close(any, cost, now_);
                two_->close(any, cost, now_);
            }
        }
        expect_same();
    }

    const Ledger& one() const { return one_; }

  private:
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    Ledger::Source source() {
        const unsigned number = below(8);
        if (number == 0) return std::nullopt;
        if (number == 1) return ip("2001:db8::" + std::to_string(below(9)));
        return ip("192.0.2." + std::to_string(number));
    }
    void expect_same() {
        const auto excess = one_.take_excess(now_);
        const auto other = two_->take_excess(now_);
        ASSERT_EQ(excess.size(), other.size());
        for (std::size_t i = 0; i < excess.size(); ++i) ASSERT_EQ(excess[i].id, other[i].id);
        ASSERT_EQ(one_.excess_due(), two_->excess_due());
        ASSERT_EQ(one_.undecided(), two_->undecided());
        ASSERT_EQ(one_.kept(), two_->kept());
        ASSERT_EQ(one_.largest_sources(), two_->largest_sources());
        for (const std::size_t listener : {0U, 1U}) {
            ASSERT_EQ(one_.deadline(listener, seconds(30)), two_->deadline(listener, seconds(30)));
        }
    }

    std::mt19937 random_;
    core::Config config_;
    std::vector<core::ServiceBudget> services_{{"ssh", 6, 2}};
    Ledger one_;
    std::optional<Ledger> two_;
    Ledger::Time now_ = kNow;
    Ledger::Id id_ = 0;
};

TEST(LedgerState, IsTheSameAfterAnUpgrade) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        TwoLedgers ledgers(seed);
        for (int i = 0; i < 1500; ++i) {
            ledgers.do_something();
            if (i % 7 == 0) ledgers.upgrade();
            if (testing::Test::HasFatalFailure()) FAIL() << seed << ", step " << i;
        }
    }
}

TEST(LedgerState, KeepsALedgerUsableWhateverTheBytesAre) {
    TwoLedgers ledgers(1);
    for (int i = 0; i < 60; ++i) ledgers.do_something();
    const std::string bytes = bytes_of(ledgers.one());
    core::Config config;
    config.listeners = {{.name = "main"}, {.name = "third"}};
    std::mt19937 random(3);
    int refused = 0;
    for (std::size_t at = 0; at < bytes.size() - 8; ++at) {
        const std::string changed = with_changed(bytes, at, random());
        StateReader reader(changed, Descriptors::Leave);
        Ledger ledger;
        ledger.take_from(reader);
        refused += !reader.is_done();
        ledger.use(config, {{"ssh", 6, 2}});
        for (Ledger::Id id = 0; id < 100; ++id) {
            (void)ledger.choose(id, "ssh");
            ledger.close(id, {}, kNow);
        }
        (void)ledger.take_excess(kNow + seconds(1));
        (void)ledger.open(1000, 1, ip("192.0.2.3"), kNow);
    }
    EXPECT_GT(refused, 0);
}

TEST(RefusalsState, IsTheSameAfterAnUpgrade) {
    Refusals before;
    for (const char* source : {"192.0.2.1", "192.0.2.1", "192.0.2.2"}) {
        (void)before.add(Refusal::Rate, ip(source), kNow);
        (void)before.add(Refusal::Source, ip(source), kNow);
    }
    const std::string bytes = bytes_of(before);
    StateReader reader(bytes, Descriptors::Leave);
    Refusals after;
    after.take_from(reader);
    EXPECT_TRUE(reader.is_done());
    EXPECT_EQ(after.total(), 6U);
    EXPECT_EQ(after.due(), before.due());
    const auto line = after.report(kNow + std::chrono::minutes(1));
    ASSERT_TRUE(line);
    EXPECT_EQ(line, before.report(kNow + std::chrono::minutes(1)));
}

}  // namespace
}  // namespace portsplit::daemon
