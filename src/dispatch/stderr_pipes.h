#pragma once
// What programs with `stderr = log` write to their descriptor 2, on its way to the log. Each has a pipe, whose reading
// end its dispatcher sends to the zygote; so no dispatcher and no program holds the log. For the zygote.

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/model.h"
#include "dispatch/connections.h"
#include "dispatch/stderr_lines.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/log.h"
#include "sys/process.h"

namespace portsplit::dispatch {

class StderrPipes {
  public:
    /// @param log  for the lines; borrowed, must outlive this
    static sys::Result<StderrPipes> create(const core::Config& config, sys::Log& log);

    /// Gives a fork, and the program that it becomes, the limit of descriptors that this process had.
    void leave_in_fork() const {
        if (limit_before_ > 0) sys::set_descriptor_limit(limit_before_);
    }

    /// Returns false once so many pipes are open that this process may lack descriptors for other work.
    bool has_room() const { return pipes_->table.size() < most_; }

    /// Reads a pipe from now on, until its end of file. Closes everything that is not the reading end of a pipe.
    /// @param process  that the lines are about: a dispatcher
    /// @param service  of the plan
    /// @param pipe  from that dispatcher, which may be compromised; empty if it has sent none
    void watch(pid_t process, std::string_view service, sys::UniqueFd pipe);
    /// Writes the lines that a process has written before it ended. Its pipe is read on if another process has it.
    /// Call it before its pid can be used again.
    void on_end(pid_t process);

    /// Readable when a pipe is: call `step` then, and at `due`. Negative if no service needs it.
    int fd() const { return epoll_.get(); }
    sys::Clock::time_point due() const;
    /// Reads some of what there is, and reports lines that were left out.
    /// @param readable  true if `fd` is
    void step(bool readable);
    /// Writes all that the pipes have now, for the end of this process. Waits for no program.
    void finish();

  private:
    struct Pipe {
        sys::UniqueFd fd;
        pid_t process;
        std::string_view service;
        StderrLines lines;
    };
    /// In memory that no dispatcher inherits: what programs of other clients have written.
    struct Pipes {
        UnforkedMemory memory;
        std::pmr::unsynchronized_pool_resource pool{&memory};
        std::pmr::unordered_map<std::uint64_t, Pipe> table{
            &pool};  ///< by the number in their events
        std::pmr::unordered_map<pid_t, std::uint64_t> numbers{&pool};  ///< while the process runs
        std::pmr::vector<char> buffer{&pool};
    };

    explicit StderrPipes(sys::Log& log);
    sys::Result<sys::Done> open();
    void raise_limit(std::size_t connections);
    std::optional<std::string_view> read_now(int pipe);
    bool read_some(Pipe& pipe);
    bool read_rest(Pipe& pipe);
    void remove(std::uint64_t number);
    void report(Pipe& pipe);
    StderrLines::Write writer_of(const Pipe& pipe);

    sys::Log* log_;
    sys::UniqueFd epoll_;
    std::array<sys::UniqueFd, 2> own_;  ///< a pipe of this process, see the .cc file
    std::unique_ptr<Pipes> pipes_;
    std::uint64_t last_number_ = 0;
    std::size_t most_ = 0;
    std::size_t limit_before_ = 0;  ///< 0: not raised
    sys::Clock::time_point due_ = sys::Clock::time_point::max();
};

}  // namespace portsplit::dispatch
