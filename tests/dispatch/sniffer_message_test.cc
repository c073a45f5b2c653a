#include "dispatch/sniffer_message.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/plans.h"
#include "support/sniffer_plan.h"

namespace portsplit::dispatch {
namespace {

using core::Reason;

const core::Plan& plan() { return sniffer_plan(); }

core::Bytes bytes_of(const std::string& text) { return core::as_bytes(text); }

Looked looked(std::optional<std::size_t> service, Reason reason) {
    Looked looked;
    looked.decided.verdict = {service, reason};
    const bool is_program = service && *service != 1;
    if (is_program) looked.decided.passed.variables = {{"NAME", "a.example"}};
    if (service == 1U) looked.decided.passed.tlvs = {{0xE0, "a"}, {0x01, std::string("\0b", 2)}};
    return looked;
}

std::optional<sys::Result<Looked>> through(const Looked& one) {
    return unpack_looked(bytes_of(pack(sys::Result<Looked>(one))), plan(), {});
}

TEST(SnifferMessage, HasWhatWasFound) {
    for (const auto& [service, reason] : std::vector<std::pair<std::optional<std::size_t>, Reason>>{
             {0, Reason::Match},
             {1, Reason::Match},
             {2, Reason::Fallback},
             {std::nullopt, Reason::Eof},
             {std::nullopt, Reason::Timeout}}) {
        Looked one = looked(service, reason);
        one.decided.verdict.gave_up = 1;
        one.ahead = {std::byte{'W'}, std::byte{0}};
        const auto got = through(one);
        ASSERT_TRUE(got && *got) << static_cast<int>(reason);
        EXPECT_EQ((*got)->decided.verdict, one.decided.verdict);
        EXPECT_EQ((*got)->ahead, one.ahead);
        ASSERT_EQ((*got)->decided.passed.variables.size(), one.decided.passed.variables.size());
        for (const auto& variable : (*got)->decided.passed.variables) {
            EXPECT_EQ(variable.name, "NAME");
            EXPECT_EQ(variable.value, "a.example");
        }
        EXPECT_EQ((*got)->decided.passed.tlvs, one.decided.passed.tlvs);
    }
    Looked without = looked(0, Reason::Match);
    without.decided.passed.variables[0].value.reset();
    EXPECT_EQ((*through(without))->decided.passed.variables[0].value, std::nullopt);
}

TEST(SnifferMessage, HasAnError) {
    const auto looked =
        unpack_looked(bytes_of(pack(sys::Result<Looked>(sys::SysError{EIO, "x"}))), plan(), {});
    ASSERT_TRUE(looked);
    EXPECT_EQ(looked->error().code, EIO);
    const auto header =
        unpack_header(bytes_of(pack(sys::Result<HeaderRead>(sys::SysError{ENOMEM, "x"}))));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->error().code, ENOMEM);
}

TEST(SnifferMessage, HasAHeader) {
    using Kind = core::ProxyEnds::Kind;
    const auto ip = [](const char* text) { return *core::IpAddress::parse(text); };
    const std::vector<HeaderRead> headers{
        {},
        {.ends = {}, .fault = core::ProxyFault::Late},
        {.ends = core::ProxyEnds{Kind::Internet, ip("192.0.2.7"), ip("2001:db8::1"), 1, 65535}},
        {.ends = core::ProxyEnds{Kind::Unix, {}, {}, 0, 0, std::string("\0a", 2), "/run/b"}}};
    for (const HeaderRead& header : headers) {
        const auto got = unpack_header(bytes_of(pack(sys::Result<HeaderRead>(header))));
        ASSERT_TRUE(got && *got);
        EXPECT_EQ((*got)->ends, header.ends);
        EXPECT_EQ((*got)->fault, header.fault);
    }
}

// What a sniffer says is believed only as far as the client could have it.
TEST(SnifferMessage, IsRefusedIfTheClientCannotHaveIt) {
    EXPECT_FALSE(through(looked(0, Reason::Fallback))) << "not the fallback";
    EXPECT_FALSE(through(looked(2, Reason::Match))) << "a last resort matches nothing";
    EXPECT_FALSE(through(looked(2, Reason::Timeout)));
    EXPECT_FALSE(through(looked(0, Reason::Eof)));
    EXPECT_FALSE(through(looked(std::nullopt, Reason::Match)));
    EXPECT_FALSE(through(looked(std::nullopt, Reason::Denied))) << "the client is not denied";
    EXPECT_FALSE(through(looked(std::nullopt, Reason::Proxy)));
    EXPECT_FALSE(through(looked(std::nullopt, Reason::Limit)));
    Looked bad = looked(0, Reason::Match);
    bad.decided.passed.variables[0].value = "a b";
    EXPECT_FALSE(through(bad)) << "no text that is passed";
    bad.decided.passed.variables[0].value = "a;b";
    EXPECT_FALSE(through(bad));
    bad = looked(0, Reason::Match);
    bad.decided.passed.log = " test.name=a";
    EXPECT_FALSE(through(bad)) << "the log has no such field";
    bad = looked(1, Reason::Match);
    bad.decided.passed.tlvs = {{0xE1, "a"}};
    EXPECT_FALSE(through(bad)) << "of no type that the file names";
    bad.decided.passed.tlvs = {{0xE0, "a"}, {0xE0, "a"}};
    EXPECT_FALSE(through(bad)) << "twice";
    bad.decided.passed.tlvs = {{0xE0, std::string(256, 'a')}};
    EXPECT_FALSE(through(bad));
    bad = looked(0, Reason::Match);
    bad.ahead.resize(plan().window() + 1);
    EXPECT_FALSE(through(bad)) << "more than the window";
}

TEST(SnifferMessage, IsRefusedForAServiceThatTheListenerDoesNotAsk) {
    core::Config config = plan().config();
    config.listeners = {{.name = "main"}};
    config.listeners[0].services = {"far"};
    const core::Plan narrow(config);
    const std::string bytes = pack(sys::Result<Looked>(looked(0, Reason::Match)));
    EXPECT_FALSE(unpack_looked(bytes_of(bytes), narrow, {}));
    EXPECT_TRUE(unpack_looked(bytes_of(bytes), plan(), {}));
}

/// Reads bytes as both messages.
void read_both(const std::string& bytes) {
    (void)unpack_header(bytes_of(bytes));
    const auto looked = unpack_looked(bytes_of(bytes), plan(), {});
    if (!looked || !*looked) return;
    if (const auto service = (*looked)->decided.verdict.service) {
        ASSERT_LT(*service, plan().config().services.size());
    }
}

TEST(SnifferMessage, SurvivesAnyBytes) {
    std::vector<std::string> good{
        pack(sys::Result<Looked>(looked(0, Reason::Match))),
        pack(sys::Result<Looked>(looked(1, Reason::Match))),
        pack(sys::Result<HeaderRead>(HeaderRead{.ends = core::ProxyEnds{}}))};
    std::mt19937 random(20);
    for (const std::string& bytes : good) {
        for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
            read_both(bytes.substr(0, cut));
            EXPECT_FALSE(unpack_looked(bytes_of(bytes.substr(0, cut)), plan(), {})) << cut;
            for (const char flipped : {'\0', '\1', '\xff'}) {
                std::string changed = bytes;
                changed[cut] = flipped;
                read_both(changed);
            }
        }
        read_both(bytes + "x");
        EXPECT_FALSE(unpack_looked(bytes_of(bytes + "x"), plan(), {}));
    }
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes = good[random() % good.size()];
        for (int change = 0; change < 3; ++change) {
            bytes[random() % bytes.size()] = static_cast<char>(random());
        }
        read_both(bytes);
    }
}

}  // namespace
}  // namespace portsplit::dispatch
