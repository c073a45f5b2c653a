#include "daemon/successor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "daemon/state.h"
#include "daemon/upgrade.h"
#include "support/child.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/program.h"

namespace portsplit::daemon {
namespace {

/// Starts the daemon's program as another one becomes it.
class SuccessorTest : public testing::Test {
  protected:
    /// @param prepare  called in the child before
    /// @returns the status
    int run(const std::vector<std::string>& arguments, const std::function<void()>& prepare) {
        auto output = sys::new_memory("output");
        output_ = *std::move(output);
        std::vector<std::string> all{"portsplitd"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        loopback::Child child([&] {
            ::dup2(output_.get(), STDOUT_FILENO);
            ::dup2(output_.get(), STDERR_FILENO);
            prepare();
            (void)sys::execute(PORTSPLIT_DAEMON, all, sys::own_environment());
            return 99;
        });
        return child.status();
    }
    /// Asks whether it can take over from a state.
    int ask(const std::string& version, const std::string& state, const std::string& text) {
        const auto first = in_memory("state", state);
        const auto second = in_memory("text", text);
        return run({"--can-take", version}, [&] {
            const int state_copy = ::fcntl(first->get(), F_DUPFD_CLOEXEC, 10);
            const int text_copy = ::fcntl(second->get(), F_DUPFD_CLOEXEC, 10);
            ::dup2(state_copy, kStateFd);
            ::dup2(text_copy, kTextFd);
        });
    }
    std::string output() const { return *sys::read_memory(output_.get()); }

  private:
    sys::UniqueFd output_;
};

constexpr const char* kText = "bind = 127.0.0.1:0\n[one]\nstring = one\nconnect = 127.0.0.1:9\n";

/// A daemon without connections and sockets.
std::string empty_state() {
    StateWriter state;
    state.text(state_version());
    state.text("2026-11-30 10:00");
    state.number(0);
    state.time({});
    state.number(0);  // the oom_score_adj of zygotes
    state.number(0);  // who waits for the outcome
    state.number(0);
    state.number(0);  // the user
    state.text("");
    state.descriptor(-1);
    state.number(0);
    state.number(0);
    state.number(0);                              // sockets
    for (int i = 0; i < 3; ++i) state.number(0);  // the ledger
    for (std::size_t i = 0; i < core::kRefusals; ++i) state.number(0);
    state.number(0);
    state.number(0);
    state.time({});
    for (int i = 0; i < 3; ++i) state.number(0);  // generations
    state.number(1);                              // the next id
    state.time({});
    state.number(0);
    return state.finish();
}

TEST_F(SuccessorTest, CanTakeAStateThatItCanRead) {
    EXPECT_EQ(ask(state_version(), empty_state(), kText), 0) << output();
    EXPECT_EQ(output(), answer_of_a_successor(state_version()));
}

TEST_F(SuccessorTest, RefusesAnotherVersion) {
    const int status = ask("9.99", empty_state(), kText);
    EXPECT_EQ(sys::describe_status(status), "exit=71");
    EXPECT_NE(output().find("it can take over the state " + state_version() +
                            ", not 9.99, so portsplitd must be restarted for it\n"),
              std::string::npos)
        << output();
}

TEST_F(SuccessorTest, RefusesAStateThatItCannotRead) {
    const std::string state = empty_state();
    for (const std::string& bytes : {std::string(), state.substr(0, 100), state + "x"}) {
        EXPECT_EQ(sys::describe_status(ask(state_version(), bytes, kText)), "exit=71");
        EXPECT_NE(output().find("the state does not have the form"), std::string::npos) << output();
    }
}

TEST_F(SuccessorTest, RefusesAConfigurationThatItCannotRead) {
    const int status = ask(state_version(), empty_state(), std::string(kText) + "colour = red\n");
    EXPECT_EQ(sys::describe_status(status), "exit=71");
    EXPECT_NE(output().find("the configuration in use cannot be read: "), std::string::npos)
        << output();
}

TEST_F(SuccessorTest, LeavesPendingSignalsForTheLoop) {
    // Without a state it ends; a signal that is let through would end it before.
    const int status = run({"--take-over", "98,99,2", "file"}, [] {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
        ::raise(SIGTERM);
    });
    EXPECT_EQ(sys::describe_status(status), "exit=71") << output();
    EXPECT_NE(output().find("cannot take over from the portsplitd before: "), std::string::npos)
        << output();
}

}  // namespace
}  // namespace portsplit::daemon
