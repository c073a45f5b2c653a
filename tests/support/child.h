#pragma once
// Forked processes, for work that a test must not do in its own process: changing signals, limits or
// descriptors, executing a program, ending. The destructor kills the child by its pid.

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
    /// Forks. The child calls `work` and exits with its result.
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
    /// Returns a descriptor that is readable once the child has ended (pidfd_open(2)).
    int handle() const { return handle_.get(); }

    /// Waits at most `kPatience` and returns true if the child has ended. Does not reap it.
    bool wait_for_end() const { return events_of(handle_.get(), POLLIN) != 0; }

    /// Waits at most `kPatience`, reaps the child and returns its status (waitpid(2)); -1 if it still
    /// runs.
    int status() {
        if (!wait_for_end()) return -1;
        int status = -1;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return status;
    }

    /// Call this after other code has reaped the child.
    void forget() { pid_ = -1; }

  private:
    pid_t pid_;
    sys::UniqueFd handle_;
};

/// Reads to EOF and returns the text, followed by the child's status if the child failed.
inline std::string output_of(Child& child, const sys::UniqueFd& from) {
    const Reply reply = read_reply(from.get());
    const int status = child.status();
    if (status != 0) return reply.bytes + " (status " + std::to_string(status) + ")";
    return reply.bytes;
}

/// Returns the text that `work` returned in a child, followed by the status if the child failed.
inline std::string text_of_child(const std::function<std::string()>& work) {
    int ends[2] = {-1, -1};
    if (::pipe(ends) < 0) return "no pipe";
    const sys::UniqueFd from(ends[0]);
    sys::UniqueFd to(ends[1]);
    Child child([&] {
        // Above the standard descriptors, which the work may close.
        const sys::UniqueFd own(::fcntl(to.get(), F_DUPFD_CLOEXEC, 100));
        ::close(to.release());
        return sys::write_all(own.get(), work()) ? 0 : 1;
    });
    to.reset();
    return output_of(child, from);
}

/// Returns what a child writes to its descriptors 0, 1 and 2, which are one pipe, until it ends. For
/// work that executes a program.
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
    return output_of(child, from);
}

/// Returns the children of a process, the oldest first (proc(5)).
inline std::vector<pid_t> children_of(pid_t pid) {
    const std::string number = std::to_string(pid);
    const auto text = sys::read_file("/proc/" + number + "/task/" + number + "/children");
    std::vector<pid_t> children;
    if (!text) return children;
    std::istringstream stream(*text);
    for (pid_t child = 0; stream >> child;) children.push_back(child);
    return children;
}

/// Returns the name of a process as in ps(1); empty if there is no such process.
inline std::string name_of(pid_t pid) {
    const auto name = sys::read_file("/proc/" + std::to_string(pid) + "/comm");
    return name && !name->empty() ? name->substr(0, name->size() - 1) : "";
}

/// Returns the state of a process as proc(5) has it, such as `T` for a stopped one; NUL if there is none.
inline char state_of(pid_t pid) {
    const auto stat = sys::read_file("/proc/" + std::to_string(pid) + "/stat");
    const std::size_t name_end = stat ? stat->rfind(") ") : std::string::npos;
    return name_end == std::string::npos ? '\0' : (*stat)[name_end + 2];
}

/// Waits, at most `kPatience`, until a process that was sent a signal is in the state that the signal
/// leads to, as proc(5) names it: 'T' stopped, 'Z' dead.
/// @returns false if it is in another state; true if it is gone
inline bool wait_for_state(pid_t pid, char state) {
    return comes_true([&] {
        const char now = state_of(pid);
        return now == '\0' || now == state;
    });
}

}  // namespace portsplit::loopback
