#include "sys/signals.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "support/child.h"
#include "support/descriptors.h"

namespace portsplit::sys {
namespace {

using loopback::text_of_child;
using namespace std::string_literals;

/// Returns true for signals whose disposition cannot change: SIGKILL, SIGSTOP, and two that the C
/// library uses itself (nptl(7)).
bool is_fixed(int signal) {
    return signal == SIGKILL || signal == SIGSTOP || signal == 32 || signal == 33;
}

/// Returns the numbers of the blocked and of the ignored signals.
std::string state() {
    std::string text = "blocked";
    sigset_t mask;
    ::sigprocmask(SIG_BLOCK, nullptr, &mask);
    for (int signal = 1; signal < NSIG; ++signal) {
        if (sigismember(&mask, signal) == 1) text += " " + std::to_string(signal);
    }
    text += ", ignored";
    for (int signal = 1; signal < NSIG; ++signal) {
        struct sigaction action {};
        if (::sigaction(signal, nullptr, &action) < 0) continue;
        if (action.sa_handler == SIG_IGN) text += " " + std::to_string(signal);
        if (action.sa_handler != SIG_IGN && action.sa_handler != SIG_DFL && !is_fixed(signal)) {
            text += " handled " + std::to_string(signal);
        }
    }
    return text;
}

void block_all() {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
}

TEST(ResetSignals, ResetsEveryInheritedDispositionAndTheMask) {
    EXPECT_EQ(text_of_child([] {
                  for (int signal = 1; signal < NSIG; ++signal) {
                      if (!is_fixed(signal)) ::signal(signal, SIG_IGN);
                  }
                  ::signal(SIGUSR1, [](int) {});
                  block_all();
                  reset_signals();
                  return state();
              }),
              "blocked, ignored");
}

TEST(ResetSignals, DropsAPendingSignalThatItIgnores) {
    EXPECT_EQ(text_of_child([] {
                  reset_signals();
                  block_all();
                  ::raise(SIGPIPE);
                  reset_signals({SIGPIPE});
                  ::raise(SIGPIPE);
                  return state();
              }),
              "blocked, ignored " + std::to_string(SIGPIPE));
}

TEST(RestoreSignals, RestoresTheStateOfANewProgram) {
    EXPECT_EQ(text_of_child([] {
                  reset_signals({SIGPIPE, SIGHUP});
                  block_all();
                  restore_signals({SIGPIPE, SIGHUP});
                  return state();
              }),
              "blocked, ignored");
}

TEST(UnblockSignals, EmptiesTheMaskOnly) {
    EXPECT_EQ(text_of_child([] {
                  reset_signals({SIGHUP});
                  block_all();
                  unblock_signals();
                  return state();
              }),
              "blocked, ignored " + std::to_string(SIGHUP));
}

TEST(SignalsByFd, DeliversEachThroughTheDescriptor) {
    EXPECT_EQ(text_of_child([] {
                  reset_signals();
                  const auto fd = signals_by_fd({SIGTERM, SIGHUP});
                  if (!fd) return to_string(fd.error());
                  std::string names = next_signal(fd->get()) ? "early " : "";
                  ::raise(SIGTERM);
                  ::raise(SIGHUP);
                  ::raise(SIGHUP);  // merges with the one before
                  while (const auto signal = next_signal(fd->get()))
                      names += signal_name(signal->number) + " "s;
                  return names;
              }),
              "HUP TERM ");
}

TEST(SignalsByFd, LeavesOtherSignalsAlone) {
    EXPECT_EQ(text_of_child([] {
                  reset_signals();
                  const auto fd = signals_by_fd({SIGTERM});
                  return fd ? state() : to_string(fd.error());
              }),
              "blocked " + std::to_string(SIGTERM) + ", ignored");
}

TEST(SignalsByFd, ReturnsANonBlockingCloseOnExecDescriptor) {
    EXPECT_EQ(text_of_child([] {
                  const auto fd = signals_by_fd({SIGUSR1});
                  if (!fd) return to_string(fd.error());
                  const bool waits = (::fcntl(fd->get(), F_GETFL) & O_NONBLOCK) == 0;
                  const bool inherited = !closes_on_exec(fd->get());
                  return std::string(waits ? "waits" : "does not wait") +
                         (inherited ? ", inherited" : "");
              }),
              "does not wait");
}

TEST(NextSignal, ReturnsNothingForADescriptorThatIsNotOpen) { EXPECT_FALSE(next_signal(-1)); }

TEST(SignalName, ReturnsTheNameWithoutSig) {
    EXPECT_STREQ(signal_name(SIGTERM), "TERM");
    EXPECT_STREQ(signal_name(SIGKILL), "KILL");
    EXPECT_STREQ(signal_name(SIGRTMIN + 1), "unknown");
    EXPECT_STREQ(signal_name(0), "unknown");
    EXPECT_STREQ(signal_name(-1), "unknown");
}

}  // namespace
}  // namespace portsplit::sys
