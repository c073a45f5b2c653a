#pragma once
// What tests of the daemon's parts share: zygotes, real ones and fakes, and the end of all children.
// The name of its configuration file is the mode of a fake (tests/daemon/fake_zygote.cc).

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "config/packed.h"
#include "core/model.h"
#include "daemon/generation.h"
#include "support/loopback.h"
#include "sys/file.h"
#include "sys/poll_set.h"
#include "sys/process.h"

namespace portsplit::daemon {

/// For a zygote: one service that sends back what it gets, for clients that send "." first.
inline sys::UniqueFd echo_memory() {
    core::Service service;
    service.name = "echo";
    service.patterns = {{core::PatternKind::String, "."}};
    service.action = core::Exec{"/bin/cat", {}, core::Stdio::Socket, core::StderrTo::Null};
    core::Config config;
    config.services = {service};
    auto memory = sys::new_memory("portsplit.conf");
    EXPECT_TRUE(sys::write_all(memory->get(), config::pack(config)));
    EXPECT_TRUE(sys::seal(memory->get()));
    return *std::move(memory);
}

inline Launchpad launchpad_of(const char* program, std::string file) {
    return {.program = sys::UniqueFd(::open(program, O_PATH | O_CLOEXEC)),
            .log = "/dev/null",
            .file = std::move(file)};
}
inline Launchpad real_zygote() { return launchpad_of(PORTSPLIT_DISPATCH, "test.conf"); }
inline Launchpad fake_zygote(std::string mode) {
    return launchpad_of(PORTSPLIT_FAKE_ZYGOTE, std::move(mode));
}

/// Waits until every child of this process has ended and is reaped.
inline void expect_no_child_left() {
    const auto limit = sys::Clock::now() + loopback::kPatience;
    while (sys::count_children() > 0 && sys::Clock::now() < limit) {
        while (sys::reap()) continue;
        sys::PollSet pause;
        pause.wake_at(sys::Clock::now() + std::chrono::milliseconds(1));
        static_cast<void>(pause.wait());
    }
    EXPECT_EQ(sys::count_children(), 0U);
}

}  // namespace portsplit::daemon
