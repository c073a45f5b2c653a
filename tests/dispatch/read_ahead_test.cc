#include "dispatch/read_ahead.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <string>
#include <string_view>

#include "support/loopback.h"
#include "support/plans.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using sys::UniqueFd;
using namespace std::chrono_literals;

/// A pipe whose end is read ahead.
class Client {
  public:
    Client() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        reader_.reset(ends[0]);
        writer_.reset(ends[1]);
    }
    void send(std::string_view text) const {
        EXPECT_EQ(::write(writer_.get(), text.data(), text.size()), std::ssize(text));
    }
    void finish() { writer_.reset(); }

    /// Returns `SERVICE REASON BYTES`.
    std::string decide(const core::Plan& plan, Clock::time_point until = Clock::time_point::max()) {
        std::vector<std::byte> bytes;
        const auto verdict = read_ahead(reader_.get(), plan, {}, until, bytes, recorder_);
        if (!verdict) return sys::to_string(verdict.error());
        std::string text = words(plan, *verdict) + " ";
        for (const std::byte byte : bytes) text += static_cast<char>(byte);
        return text;
    }
    const Recorder& recorder() const { return recorder_; }
    int fd() const { return reader_.get(); }

  private:
    UniqueFd reader_;
    UniqueFd writer_;
    Recorder recorder_;
};

core::Plan ssh_or_web() {
    return plan_of({service("ssh", {"SSH-"}, to("a", 1)), service("web", {"GET "}, to("a", 1)),
                    service(core::kFallback, {}, to("a", 1)),
                    service(core::kTimeout, {}, to("a", 1))});
}

TEST(ReadAhead, ReturnsWhatItReadWithTheVerdict) {
    Client client;
    client.send("SSH-2.0-x");
    EXPECT_EQ(client.decide(ssh_or_web()), "ssh match SSH-2.0-x");
}

TEST(ReadAhead, ReadsPieceByPiece) {
    Client client;
    client.send("G");
    auto decided = std::async(std::launch::async, [&] { return client.decide(ssh_or_web()); });
    for (const char* piece : {"E", "T", " ", "/"}) client.send(piece);
    const std::string text = decided.get();
    EXPECT_TRUE(text.starts_with("web match GET ")) << text;
}

TEST(ReadAhead, DecidesAtTheEndAndAtTheDeadline) {
    Client ended;
    ended.send("SS");
    ended.finish();
    EXPECT_EQ(ended.decide(ssh_or_web()), "fallback fallback SS");
    Client gone;
    gone.finish();
    EXPECT_EQ(gone.decide(ssh_or_web()), "close eof ");
    Client silent;
    EXPECT_EQ(silent.decide(ssh_or_web(), Clock::now() + 50ms), "timeout timeout ");
    EXPECT_EQ(silent.recorder().messages().size(), 1U) << "published before the wait";
}

TEST(ReadAhead, ReadsNoMoreThanTheWindow) {
    Client client;
    core::Config config;
    config.window = 8;
    config.services = {service("never", {"aaaaaaaaaa"}, to("a", 1)),
                       service("some", {"a"}, to("a", 1))};
    client.send("aaaaaaaaab behind");
    EXPECT_EQ(client.decide(core::Plan(config)), "some match aaaaaaaaab");
    EXPECT_EQ(loopback::events_of(client.fd(), POLLIN), POLLIN) << "the rest is still there";
}

}  // namespace
}  // namespace portsplit::dispatch
