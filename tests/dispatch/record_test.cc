#include "dispatch/record.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "support/log_text.h"
#include "support/loopback.h"
#include "support/progress_of.h"

namespace portsplit::dispatch {
namespace {

using Rate = ConnectionLog::Rate;

/// A log in a pipe, and one connection.
class ConnectionLogTest : public testing::Test {
  protected:
    ConnectionLogTest() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe(ends), 0);
        from_.reset(ends[0]);
        log_.emplace(sys::Log::to_descriptor(sys::UniqueFd(ends[1])));
    }

    ConnectionLog log(Rate rate) { return ConnectionLog(each_action(), *log_, rate); }
    ConnectionRecord& record() { return record_; }

    /// Everything logged, without the pid.
    std::string text() {
        log_.reset();
        return without_pids(loopback::read_reply(from_.get()).bytes);
    }
    std::size_t lines() {
        const std::string all = text();
        return static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n'));
    }

  private:
    sys::UniqueFd from_;
    std::optional<sys::Log> log_;
    ConnectionRecord record_{.arrival = {sys::Clock::now(), documented_ends()}};
};

TEST_F(ConnectionLogTest, WritesTheConnectionLineFromTheLastProgress) {
    ConnectionLog log = this->log(Rate::All);
    log.update(record(), decided_for(kSsh));
    log.update(record(), decided_for(kWeb));
    record().arrival.accepted -= std::chrono::hours(1);
    log.finish(record(), 0);
    const std::string line = text();
    EXPECT_TRUE(
        line.starts_with("service=web reason=match src=192.0.2.7 sport=50022 dst=192.0.2.1 "
                         "dport=443 action=exec target=/usr/sbin/httpd in=- out=- ms=3600"))
        << line;
    EXPECT_TRUE(line.ends_with(" exit=0\n")) << line;
}

TEST_F(ConnectionLogTest, WritesFieldsBehindTheFrozenPartAndTheStatus) {
    ConnectionLog log = this->log(Rate::All);
    log.update(record(), decided_for(kWeb), 0, " tls.sni=a.test");
    log.finish(record(), 0, 0, " tls.sni=a.test");
    const std::string line = text();
    EXPECT_TRUE(line.ends_with(" exit=0 tls.sni=a.test\n")) << line;
}

TEST_F(ConnectionLogTest, EndsTheLineOfARefusedConnectionWithTheKey) {
    ConnectionLog log = this->log(Rate::All);
    Progress progress = decided_for(Progress::kNone, core::Reason::Limit);
    progress.refusal = static_cast<std::uint8_t>(core::Refusal::Service);
    log.update(record(), progress, 0, " tls.sni=a.test");
    log.finish(record(), std::nullopt, 0, " tls.sni=a.test");
    const std::string line = text();
    EXPECT_TRUE(line.starts_with("service=- reason=limit src=192.0.2.7 ")) << line;
    EXPECT_TRUE(line.ends_with(" tls.sni=a.test limit=maxconn\n")) << line;
}

TEST_F(ConnectionLogTest, CountsConnectionsThatClientsCanEndAgainAndAgain) {
    const auto reasons = {core::Reason::Eof, core::Reason::Limit, core::Reason::Proxy};
    {
        ConnectionLog log = this->log(Rate::Limited);
        for (int i = 0; i < 10; ++i) {
            for (const core::Reason reason : reasons) {
                ConnectionRecord one{.arrival = {sys::Clock::now(), documented_ends()}};
                log.update(one, decided_for(Progress::kNone, reason));
                log.finish(one, std::nullopt);
            }
        }
        log.report_all();
    }
    const std::string all = text();
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 4) << all;
    EXPECT_TRUE(
        all.ends_with("27 more connections from 192.0.2.7 ended before a service was chosen\n"))
        << all;
}

/// Returns how many lines a source has that was served 130 times within a minute, the count of the others with them.
std::size_t lines_of_busy_source(const char* log, Rate rate) {
    core::Config config = each_action().config();
    config.log = {log};
    const core::Plan plan{std::move(config)};
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe(ends), 0);
    const sys::UniqueFd from(ends[0]);
    {
        sys::Log to = sys::Log::to_descriptor(sys::UniqueFd(ends[1]));
        ConnectionLog lines(plan, to, rate);
        for (int i = 0; i < 130; ++i) {
            ConnectionRecord one{.arrival = {sys::Clock::now(), documented_ends()}};
            lines.update(one, decided_for(kWeb));
            lines.finish(one, 0);
        }
        lines.report_all();
    }
    const std::string all = loopback::read_reply(from.get()).bytes;
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n'));
}

TEST(ConnectionLogLines, AreAHundredAMinuteOfASourceUnlessAllAreWanted) {
    EXPECT_EQ(lines_of_busy_source("end", Rate::Limited), 101);
    EXPECT_EQ(lines_of_busy_source("all", Rate::Limited), 130);
    EXPECT_EQ(lines_of_busy_source("start", Rate::Limited), 260);
    EXPECT_EQ(lines_of_busy_source("end", Rate::All), 130);
}

/// Returns the first word of each line for connections of two services, whose `log` has these words: first
/// the one of the configuration.
std::string lines_with(const char* of_all, const char* of_web) {
    core::Config config = each_action().config();
    config.log = {of_all};
    config.services[kWeb].log = {of_web};
    const core::Plan plan(config);
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe(ends), 0);
    const sys::UniqueFd from(ends[0]);
    std::string words;
    {
        sys::Log lines = sys::Log::to_descriptor(sys::UniqueFd(ends[1]));
        ConnectionLog log(plan, lines, Rate::All);
        for (const std::int32_t service : {kSsh, kWeb}) {
            ConnectionRecord record{.arrival = {sys::Clock::now(), documented_ends()}};
            log.update(record, decided_for(service), 0, " f=x");
            log.finish(record, 0, 0, " f=x");
        }
    }
    std::istringstream all(without_pids(loopback::read_reply(from.get()).bytes));
    for (std::string line; std::getline(all, line);) {
        words += line.starts_with("started service=ssh")   ? "start:ssh "
                 : line.starts_with("started service=web") ? "start:web "
                 : line.starts_with("service=ssh")         ? "ssh "
                 : line.starts_with("service=web")         ? "web "
                                                           : line;
        EXPECT_TRUE(line.ends_with(" f=x")) << line;
    }
    return words;
}

TEST(ConnectionLogLines, AreThoseOfTheServiceElseOfAll) {
    EXPECT_EQ(lines_with("end", "end"), "ssh web ");
    EXPECT_EQ(lines_with("end", "start"), "ssh start:web web ");
    EXPECT_EQ(lines_with("end", "all"), "ssh web ");
    EXPECT_EQ(lines_with("start", "end"), "start:ssh ssh web ");
    EXPECT_EQ(lines_with("no", "end"), "web ");
    EXPECT_EQ(lines_with("end", "no"), "ssh ");
    EXPECT_EQ(lines_with("no", "f.x"), "");
}

TEST_F(ConnectionLogTest, WarnsOnceOfAnExpressionThatExceededItsLimit) {
    ConnectionLog log = this->log(Rate::All);
    Progress progress = decided_for(kWeb);
    progress.gave_up = kSsh;
    for (int i = 0; i < 3; ++i) log.update(record(), progress);
    EXPECT_EQ(text(),
              "the expression of service ssh took too long on the bytes of client 192.0.2.7:50022; "
              "it counts as no\n");
}

TEST_F(ConnectionLogTest, WritesEachFailureWhenItHappens) {
    ConnectionLog log = this->log(Rate::All);
    Progress progress = decided_for(kSsh);
    for (const std::uint32_t target : {0U, 1U}) {
        progress.failure = {Stage::Connect, ECONNREFUSED, target};
        log.update(record(), progress);
    }
    EXPECT_EQ(text(),
              "cannot connect to 127.0.0.1:22 for service ssh, client 192.0.2.7:50022: "
              "Connection refused\n"
              "cannot connect to vpn.example:1194 for service ssh, client 192.0.2.7:50022: "
              "Connection refused\n");
}

TEST_F(ConnectionLogTest, WritesEveryFailureAtRateAll) {
    ConnectionLog log = this->log(Rate::All);
    Progress progress = decided_for(kSsh);
    progress.failure = {Stage::Connect, ECONNREFUSED, 0};
    for (int i = 0; i < 30; ++i) log.update(record(), progress);
    EXPECT_EQ(lines(), 30U);
}

TEST_F(ConnectionLogTest, WritesTwentyFailuresAMinuteAtRateLimited) {
    ConnectionLog log = this->log(Rate::Limited);
    Progress progress = decided_for(kSsh);
    progress.failure = {Stage::Connect, ECONNREFUSED, 0};
    for (int i = 0; i < 30; ++i) log.update(record(), progress);
    EXPECT_EQ(lines(), 20U);
}

TEST_F(ConnectionLogTest, WarnsOfTwentyExpressionsAMinuteAtRateLimited) {
    ConnectionLog log = this->log(Rate::Limited);
    for (int i = 0; i < 30; ++i) {
        record().progress.gave_up = Progress::kNone;
        Progress progress = decided_for(kWeb);
        progress.gave_up = kSsh;
        log.update(record(), progress);
    }
    EXPECT_EQ(lines(), 20U);
}

}  // namespace
}  // namespace portsplit::dispatch
