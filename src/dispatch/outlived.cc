// How it works
//
// epoll(7) watches an open file description, not a descriptor: it goes on after its own descriptor is closed,
// as long as another process has the socket open, and forgets the socket when the last one closes it. So
// the zygote adds the client's socket, closes it, and the program alone keeps the connection open: when the
// program closes it, the client gets its end of stream.
//
// Only EPOLLERR with EPOLLHUP counts. It means a reset, or keepalive probes without an answer;
// EPOLLERR alone is a message in the error queue (MSG_ZEROCOPY), EPOLLHUP alone a connection that
// ended in both directions. A client that has only ended its stream may still read, so the program
// is left alone; if the client is gone in fact, its machine answers the next keepalive probe with a
// reset. A program that has read the error itself is left alone, too: it knows.
//
// An event is reported once (EPOLLET): the error stays, and without that every wait would return at once.
// A socket may live longer than its program, in a child of it, and its event then has a number that
// is not in the table.

#include "dispatch/outlived.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "sys/backoff.h"
#include "sys/process.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;

/// Sends a signal to the process group of a program; to the program alone if it leads none.
void signal_group(pid_t program, int signal) {
    if (::kill(-program, signal) < 0 && errno == ESRCH) ::kill(program, signal);
}

/// Returns the signal that follows another one; 0 after the last.
int signal_after(int signal) {
    if (signal == SIGHUP) return SIGTERM;
    return signal == SIGTERM ? SIGKILL : 0;
}

/// Waits until a child has ended, at most until a moment. Leaves it to be reaped.
/// @returns false if it still runs
bool ends_before(pid_t child, Clock::time_point until) {
    sys::Backoff pause(std::chrono::milliseconds(10), std::chrono::milliseconds(200));
    while (true) {
        siginfo_t ended{};
        constexpr int kFlags = WEXITED | WNOHANG | WNOWAIT;
        if (::waitid(P_PID, static_cast<id_t>(child), &ended, kFlags) < 0) return errno != EINTR;
        if (ended.si_pid == child) return true;
        const auto now = Clock::now();
        if (now >= until) return false;
        ::poll(nullptr, 0, sys::poll_timeout(std::min(until, now + pause.next())));
    }
}

}  // namespace

int end_program(pid_t program, std::chrono::milliseconds grace) {
    for (int signal = SIGHUP; grace.count() > 0 && signal != 0; signal = signal_after(signal)) {
        signal_group(program, signal);
        if (ends_before(program, Clock::now() + grace)) break;
    }
    return sys::wait_for_child(program);
}

sys::Result<Outlived> Outlived::create() {
    sys::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return sys::SysError{errno, "cannot watch the connections of programs"};
    return Outlived(std::move(epoll));
}

void Outlived::watch(pid_t program, sys::UniqueFd client, std::chrono::milliseconds grace) {
    forget(program);
    const std::uint64_t number = ++last_number_;
    epoll_event event{};
    event.events = EPOLLET;  // EPOLLERR and EPOLLHUP are always reported (epoll_ctl(2))
    event.data.u64 = number;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.get(), &event) < 0) return;
    programs_.emplace(number, Program{program, grace});
    numbers_.emplace(program, number);
}

void Outlived::forget(pid_t program) {
    const auto found = numbers_.find(program);
    if (found == numbers_.end()) return;
    broken_.erase(found->second);
    programs_.erase(found->second);
    numbers_.erase(found);
}

Clock::time_point Outlived::due() const {
    auto due = Clock::time_point::max();
    for (const std::uint64_t number : broken_) due = std::min(due, programs_.at(number).due);
    return due;
}

void Outlived::note_broken() {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const auto found = programs_.find(event.data.u64);
        constexpr std::uint32_t kBroken = EPOLLERR | EPOLLHUP;
        const bool is_broken = (event.events & kBroken) == kBroken;
        if (!is_broken || found == programs_.end() || found->second.next_signal != 0) continue;
        found->second.next_signal = SIGHUP;
        found->second.due = Clock::now();
        broken_.insert(found->first);
    }
}

void Outlived::step() {
    note_broken();
    const auto now = Clock::now();
    for (const std::uint64_t number : broken_) {
        Program& program = programs_.at(number);
        if (now < program.due || program.next_signal == 0) continue;
        signal_group(program.pid, program.next_signal);
        program.next_signal = signal_after(program.next_signal);
        program.due = program.next_signal == 0 ? Clock::time_point::max() : now + program.grace;
    }
}

}  // namespace portsplit::dispatch
