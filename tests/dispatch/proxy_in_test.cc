#include "dispatch/proxy_in.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <string>
#include <string_view>

#include "support/loopback.h"
#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

using core::ProxyFault;
using loopback::Pair;
using sys::Clock;
using sys::UniqueFd;
using namespace std::chrono_literals;

constexpr std::string_view kLine = "PROXY TCP4 192.0.2.7 192.0.2.1 50022 443\r\n";

Pair pipe_pair() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void send(const UniqueFd& fd, std::string_view bytes) {
    EXPECT_EQ(::write(fd.get(), bytes.data(), bytes.size()), std::ssize(bytes));
}

/// Returns what is left to read.
std::string rest_of(const UniqueFd& fd) {
    std::string rest(100, '\0');
    const ssize_t got = ::read(fd.get(), rest.data(), rest.size());
    rest.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return rest;
}

struct Way {
    const char* name;
    Pair (*make)();
};
std::ostream& operator<<(std::ostream& out, const Way& way) { return out << way.name; }

class ReadHeader : public ::testing::TestWithParam<Way> {
  protected:
    sys::Result<HeaderRead> read(Clock::time_point deadline = Clock::time_point::max()) {
        return read_header(pair_.near.get(), deadline, recorder_);
    }

    Pair pair_ = GetParam().make();
    Recorder recorder_;
};

INSTANTIATE_TEST_SUITE_P(, ReadHeader,
                         ::testing::Values(Way{"Tcp", [] { return loopback::tcp_pair(); }},
                                           Way{"Unix", [] { return loopback::unix_pair(); }},
                                           Way{"Pipe", pipe_pair}),
                         [](const auto& way) { return way.param.name; });

TEST_P(ReadHeader, LeavesWhatIsBehindIt) {
    send(pair_.far, std::string(kLine) + "SSH-2.0");
    const auto header = read();
    ASSERT_TRUE(header && header->ends);
    EXPECT_EQ(header->ends->client_port, 50022);
    EXPECT_EQ(rest_of(pair_.near), "SSH-2.0");
    EXPECT_TRUE(recorder_.messages().empty()) << "nothing was waited for";
}

TEST_P(ReadHeader, WaitsForEachByteAndPublishesOnce) {
    auto reading = std::async(std::launch::async, [&] { return read(); });
    for (const char byte : kLine) {
        send(pair_.far, {&byte, 1});
        std::this_thread::sleep_for(1ms);
    }
    const auto header = reading.get();
    ASSERT_TRUE(header && header->ends);
    EXPECT_EQ(recorder_.messages().size(), 1U);
}

TEST_P(ReadHeader, ReadsALongOne) {
    const std::vector<core::ProxyTlv> values{{0xE0, std::string(20'000, 'x')}};
    const std::string bytes =
        core::proxy_header_v2({core::ProxyEnds::Kind::Local, {}, {}, 0, 0, {}, {}}, values, true);
    send(pair_.far, bytes + "x");
    const auto header = read();
    ASSERT_TRUE(header && header->ends);
    EXPECT_EQ(rest_of(pair_.near), "x");
}

TEST_P(ReadHeader, SaysWhyThereIsNone) {
    send(pair_.far, "PROXY TCP4 ");
    EXPECT_EQ(read(Clock::now() + 20ms)->fault, ProxyFault::Late);
    send(pair_.far, "x\r\n");
    EXPECT_EQ(read(Clock::now() + 20ms)->fault, ProxyFault::Signature) << "a new reader";
}

TEST_P(ReadHeader, EndsWithTheStream) {
    send(pair_.far, "PROXY TCP4 ");
    pair_.far.reset();
    EXPECT_EQ(read()->fault, ProxyFault::Ended);
    const auto again = read();
    EXPECT_EQ(again->fault, ProxyFault::None) << "not a byte has come";
    EXPECT_FALSE(again->ends.has_value());
}

TEST_P(ReadHeader, EndsAtTheDeadline) {
    const auto begin = Clock::now();
    EXPECT_EQ(read(begin + 50ms)->fault, ProxyFault::Late);
    EXPECT_GE(Clock::now() - begin, 50ms);
    EXPECT_EQ(recorder_.messages().size(), 1U);
}

TEST(ReadHeaderOverTcp, TakesAResetForAnEnd) {
    Pair pair = loopback::tcp_pair();
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(pair.far.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    pair.far.reset();
    Recorder recorder;
    const auto header = read_header(pair.near.get(), Clock::time_point::max(), recorder);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->fault, ProxyFault::None);
    EXPECT_FALSE(header->ends.has_value());
}

}  // namespace
}  // namespace portsplit::dispatch
