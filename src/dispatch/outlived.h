#pragma once
// Programs that outlive their client's connection: each is told to end, so that its place in `maxconn` comes
// back. A program on the client's socket is watched by the zygote; one on pipes or a terminal is ended
// by its dispatcher, which is the relay.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

/// Ends a child that leads a process group, and waits for it: SIGHUP to the group at once, SIGTERM after
/// `grace`, SIGKILL after `grace` again.
/// @param grace  0: waits, and sends nothing
/// @returns its status as waitpid(2) has it
int end_program(pid_t program, std::chrono::milliseconds grace);

/// The programs on client sockets, and what is due for those whose connection is broken.
class Outlived {
  public:
    static sys::Result<Outlived> create();

    /// Watches the client's connection of a program. Does not keep the socket open.
    /// @param program  the leader of its process group; a child of this process
    /// @param client   its socket
    void watch(pid_t program, sys::UniqueFd client, std::chrono::milliseconds grace);
    /// Forgets a program. Call it before its pid can be used again, so before it is reaped or right after.
    void forget(pid_t program);

    /// Readable when a connection broke: call `step` then, and at `due`.
    int fd() const { return epoll_.get(); }
    sys::Clock::time_point due() const;
    void step();

  private:
    struct Program {
        pid_t pid;
        std::chrono::milliseconds grace;
        int next_signal = 0;  ///< 0 while its connection is not broken
        sys::Clock::time_point due = sys::Clock::time_point::max();
    };

    explicit Outlived(sys::UniqueFd epoll) : epoll_(std::move(epoll)) {}
    void note_broken();

    sys::UniqueFd epoll_;
    std::uint64_t last_number_ = 0;
    std::unordered_map<std::uint64_t, Program> programs_;  ///< by the number in their events
    std::unordered_map<pid_t, std::uint64_t> numbers_;     ///< of `programs_`
    std::unordered_set<std::uint64_t> broken_;             ///< numbers of programs that are to end
};

}  // namespace portsplit::dispatch
