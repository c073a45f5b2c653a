#pragma once
// A forked process for what a test must not do to itself: changing signals, limits or descriptors,
// becoming a program, dying. Ended by its pid when the test is over.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "support/loopback.h"
#include "sys/fd.h"
#include "sys/file.h"

namespace portsplit::loopback {

class Child {
  public:
    /// Forks; the child does `work` and exits with what it returns.
    explicit Child(const std::function<int()>& work) : pid_(::fork()) {
        if (pid_ == 0) ::_exit(work());
        handle_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    pid_t pid() const { return pid_; }
    /// Readable once it has ended (pidfd_open(2)).
    int handle() const { return handle_.get(); }

    /// Whether it has ended, or does in time. It is not reaped.
    bool ended() const { return events_of(handle_.get(), POLLIN) != 0; }

    /// Its status as waitpid(2) has it; -1 when it did not end in time.
    int status() {
        if (!ended()) return -1;
        int status = -1;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return status;
    }

    /// Somebody else reaped it.
    void forget() { pid_ = -1; }

  private:
    pid_t pid_;
    sys::UniqueFd handle_;
};

/// What a child has to say, or that it died of it.
inline std::string told_by_child(const std::function<std::string()>& work) {
    int ends[2] = {-1, -1};
    if (::pipe(ends) < 0) return "no pipe";
    const sys::UniqueFd from(ends[0]);
    sys::UniqueFd to(ends[1]);
    Child child([&] {
        // Out of the way of children that close the standard descriptors.
        const sys::UniqueFd own(::fcntl(to.get(), F_DUPFD_CLOEXEC, 100));
        ::close(to.release());
        return sys::write_all(own.get(), work()) ? 0 : 1;
    });
    to.reset();
    const Heard heard = hear(from.get());
    const int status = child.status();
    if (status != 0) return heard.bytes + " (status " + std::to_string(status) + ")";
    return heard.bytes;
}

/// What a process writes to its descriptors 0, 1 and 2, which lead to a pipe, until it ends; for
/// work that becomes a program.
inline std::string output_of(const std::function<void()>& work) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) < 0) return "no pipe";
    const sys::UniqueFd from(ends[0]);
    sys::UniqueFd to(ends[1]);
    Child child([&] {
        for (const int fd : {0, 1, 2}) ::dup2(to.get(), fd);
        work();
        return 99;
    });
    to.reset();
    const Heard heard = hear(from.get());
    const int status = child.status();
    if (status != 0) return heard.bytes + " (status " + std::to_string(status) + ")";
    return heard.bytes;
}

/// The children of a process, oldest first.
inline std::vector<pid_t> children_of(pid_t pid) {
    const std::string number = std::to_string(pid);
    const auto text = sys::read_file("/proc/" + number + "/task/" + number + "/children");
    std::vector<pid_t> children;
    if (!text) return children;
    std::istringstream stream(*text);
    for (pid_t child = 0; stream >> child;) children.push_back(child);
    return children;
}

/// What ps(1) calls a process; empty when it is gone.
inline std::string name_of(pid_t pid) {
    const auto name = sys::read_file("/proc/" + std::to_string(pid) + "/comm");
    return name && !name->empty() ? name->substr(0, name->size() - 1) : "";
}

/// Waits, at most `kPatience`, until a process that was sent a signal is in the state that the signal
/// leads to, as proc(5) names it: 'T' stopped, 'Z' dead.
/// @returns false if it is in another state; true if it is gone
inline bool wait_for_state(pid_t pid, char state) {
    const std::string path = "/proc/" + std::to_string(pid) + "/stat";
    const std::string behind_name = std::string(") ") + state;
    return comes_true([&] {
        const auto stat = sys::read_file(path);
        return !stat || stat->find(behind_name) != std::string::npos;
    });
}

}  // namespace portsplit::loopback
