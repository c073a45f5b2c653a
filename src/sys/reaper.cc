#include "sys/reaper.h"

#include <sys/wait.h>

namespace portsplit::sys {
namespace {

/// An announced child that is still alive after so many signals is left to the look at all children:
/// a compromised process may announce an end that does not come.
constexpr int kMostLooks = 16;

/// @returns the pid; 0 if that child has not ended; negative if there is no such child
pid_t wait_now(pid_t pid, int& status) {
    return retry([&] { return ::waitpid(pid, &status, WNOHANG); });
}

}  // namespace

void Reaper::on_signal(pid_t pid) {
    looked_at_ = 0;
    may_have_missed_ = true;
    expect(pid);
}

std::optional<Ended> Reaper::next(std::size_t children) {
    Ended ended;
    while (looked_at_ < expected_.size()) {
        Expected& expected = expected_[looked_at_];
        ended.pid = wait_now(expected.pid, ended.status);
        if (ended.pid == 0 && ++expected.looks < kMostLooks) {
            ++looked_at_;
            continue;
        }
        expected = expected_.back();
        expected_.pop_back();
        if (ended.pid > 0) return ended;
    }
    if (!may_have_missed_) return std::nullopt;
    if (children > kFewChildren && Clock::now() < scan_at_) return std::nullopt;
    auto any = reap();
    if (any) return any;
    may_have_missed_ = false;
    scan_at_ = Clock::now() + pause_;
    return std::nullopt;
}

}  // namespace portsplit::sys
