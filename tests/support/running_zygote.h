#pragma once
// For the tests of the zygote, which are in several files: a zygote that runs, while the test plays the
// daemon and the clients.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "dispatch/zygote.h"
#include "handoff.h"
#include "support/child.h"
#include "support/log_text.h"
#include "support/loopback.h"
#include "support/plans.h"
#include "sys/address.h"
#include "sys/become.h"
#include "sys/channel.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/log.h"
#include "sys/process.h"
#include "sys/signals.h"

namespace portsplit::dispatch {

/// Whom the zygote becomes if root runs the test.
inline const sys::User kWithoutRights{.uid = 65534, .gid = 65534, .groups = {}};

/// A zygote in a child process, and the daemon's end of its channel.
class ZygoteTest : public testing::Test {
  protected:
    /// @param listener  what applies to the connections
    explicit ZygoteTest(ServeFunction serve_connection = &serve,
                        const std::function<void()>& prepare = {},
                        const core::Listener& listener = {})
        : ZygoteTest(programs(listener), serve_connection, prepare) {}

    /// @param config  that the zygote serves
    explicit ZygoteTest(const core::Config& config, ServeFunction serve_connection,
                        const std::function<void()>& prepare = {}) {
        auto channel = sys::channel_pair();
        auto orders = sys::channel_pair();
        int log[2] = {-1, -1};
        EXPECT_TRUE(channel);
        EXPECT_EQ(::pipe2(log, O_CLOEXEC), 0);
        log_.reset(log[0]);
        sys::UniqueFd log_to(log[1]);
        channel_ = std::move(channel->first);
        orders_ = std::move(orders->first);
        zygote_ = std::make_unique<loopback::Child>([&] {
            channel_.reset();
            orders_.reset();
            log_.reset();
            sys::reset_signals({SIGPIPE, SIGHUP});
            // Not the number that handoff.h names for the channel.
            sys::UniqueFd log_fd(::fcntl(log_to.get(), F_DUPFD_CLOEXEC, 10));
            sys::UniqueFd end(::fcntl(channel->second.get(), F_DUPFD_CLOEXEC, 10));
            sys::UniqueFd log_end(::fcntl(orders->second.get(), F_DUPFD_CLOEXEC, 10));
            channel->second.reset();
            orders->second.reset();
            ::dup2(end.get(), handoff::kChannelFd);
            ::dup2(log_end.get(), handoff::kOrdersFd);
            end.reset();
            log_end.reset();
            ::setpgid(0, 0);
            // As root it would start sniffers, which most tests are not about.
            if (::geteuid() == 0 && !sys::become(kWithoutRights)) return 1;
            if (prepare) prepare();
            sys::close_on_exec_from(handoff::kChannelFd);
            sys::Log log_there = sys::Log::to_descriptor(std::move(log_fd));
            return run_zygote(core::Plan(config), log_there, serve_connection);
        });
    }

    /// Two services with programs.
    static core::Config programs(const core::Listener& listener) {
        core::Config config;
        config.top = listener;
        config.sandbox = core::Sandbox::Off;
        config.services = {service("echo", {"."}, program("/bin/cat")),
                           service("missing", {"m"}, program("/no/such/program"))};
        return config;
    }

    sys::UniqueFd& channel() { return channel_; }
    sys::UniqueFd& orders() { return orders_; }
    loopback::Child& zygote() { return *zygote_; }

    /// Returns the next message of the zygote: `ready`, `reaped ID`, `end` or `silence`. Passes over `Decided`.
    std::string next() {
        if (loopback::events_of(channel_.get(), POLLIN) == 0) return "silence";
        std::array<std::byte, 512> buffer{};
        const auto received = sys::receive_message(channel_.get(), buffer);
        if (!received) return sys::to_string(received.error());
        if (received->size == 0) return "end";
        handoff::Reaped message;
        if (received->size == sizeof(handoff::Ready)) {
            handoff::Ready ready;
            std::memcpy(&ready, buffer.data(), sizeof ready);
            return ready.kind == handoff::Kind::Ready ? "ready" : "?";
        }
        if (received->size == sizeof(handoff::Decided)) return next();
        if (received->size != sizeof message) return "?";
        std::memcpy(&message, buffer.data(), sizeof message);
        return "reaped " + std::to_string(message.id);
    }

    /// Hands a connection over as the daemon does.
    void hand_over(handoff::Handover message, const sys::UniqueFd& client) {
        message.arrival.ends.peer = *sys::Address::from(core::Endpoint{"192.0.2.7", 50022});
        message.arrival.ends.local = *sys::Address::from(core::Endpoint{"192.0.2.1", 443});
        message.arrival.accepted = sys::Clock::now();
        ASSERT_TRUE(sys::send_message(channel_.get(), std::as_bytes(std::span(&message, 1)),
                                      client.get(), 0));
    }
    void hand_over(std::uint64_t id, const sys::UniqueFd& client) {
        hand_over(handoff::Handover{.id = id}, client);
    }

    /// Returns the log once the zygote has ended, with pids and times masked.
    std::string log() {
        return mask_numbers(mask_numbers(without_dates(loopback::read_reply(log_.get()).bytes),
                                         "portsplit[", "PID"),
                            " ms=");
    }

    /// Returns the first child of the zygote with this name; -1 if there is none.
    pid_t child_named(const std::string& name) {
        for (const pid_t child : loopback::children_of(zygote().pid())) {
            if (loopback::name_of(child) == name) return child;
        }
        return -1;
    }

    /// Returns the processor time that the zygote has used.
    std::chrono::nanoseconds processor_time() {
        clockid_t clock{};
        timespec time{};
        ::clock_getcpuclockid(zygote().pid(), &clock);
        ::clock_gettime(clock, &time);
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }

    /// Ends the daemon's side of the channel.
    void retire() { ::shutdown(channel_.get(), SHUT_WR); }

  private:
    sys::UniqueFd channel_;
    sys::UniqueFd orders_;
    sys::UniqueFd log_;
    std::unique_ptr<loopback::Child> zygote_;
};

}  // namespace portsplit::dispatch
