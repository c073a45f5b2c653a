#pragma once
// An upgrade: the daemon becomes the program that is in its file now, in place (execve(2)). This is the part
// before: whether the file holds a program that can take over. The Daemon asks for it, and becomes the program.
//
// How it works. A child writes the text of the configuration in use, and becomes the new program with
// `--can-take VERSION`. That reads a copy of the state and this text from two descriptors, as it would after an
// upgrade, and prints one sentence. Anything else, or no answer in time, means that the daemon goes on as it is.
// The state is written again for the upgrade itself, since connections come and go.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/reader.h"
#include "daemon/state.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::daemon {

/// How long the new program has for its answer.
inline constexpr std::chrono::milliseconds kCheckLimit{10000};

// The descriptors of a program that is asked whether it can take over.
inline constexpr int kStateFd = 3;
inline constexpr int kTextFd = 4;

/// The most bytes of a state that are read.
inline constexpr std::size_t kLargestState = std::size_t{1} << 29;

/// Returns the answer of a program that can take over.
std::string answer_of_a_successor(std::string_view version);

/// Returns bytes in sealed memory.
sys::Result<sys::UniqueFd> in_memory(const char* name, std::string_view bytes);

class Upgrade {
  public:
    /// @param program  the path of the file
    explicit Upgrade(std::string program, std::chrono::milliseconds limit = kCheckLimit)
        : program_(std::move(program)), limit_(limit) {}

    const std::string& program() const { return program_; }

    /// Notes that an upgrade is asked for.
    /// @param asker  a process that gets the outcome (sys/asker.h); 0 for none
    void want(pid_t asker);
    /// Sends the outcome to all who have asked for the upgrade that ends so.
    void answer(std::string_view outcome);

    /// Returns true from `want` until the outcome.
    bool is_under_way() const { return is_wanted_ || text_ || (check_ && !check_->is_dropped); }
    /// Returns true if `check` is to be called.
    bool is_wanted() const { return is_wanted_ && !check_; }
    /// Returns true while there is a child that asks.
    bool has_child() const { return check_.has_value(); }
    bool is_child(pid_t pid) const { return check_ && check_->pid == pid; }

    /// Forks a child that asks the new program.
    /// @param state  of StateWriter
    sys::Result<sys::Done> check(std::string_view state, const Reading& reading);
    /// Returns when `kill_late` has something to do.
    sys::Clock::time_point due() const;
    void kill_late();

    /// Reads the answer. Call it once the child has ended.
    /// @param status  of waitpid(2)
    /// @returns why the program cannot take over, as a part of a sentence; empty if it can, or after `drop`
    std::string on_check_end(int status);

    /// Returns true if the file holds the program that can take over. If another has its place since, that is
    /// asked again.
    bool is_ready();
    /// Returns the descriptor of the configuration's text, once it `is_ready`.
    int text() const { return text_.get(); }

    /// Forgets the upgrade, without an answer.
    void drop();

    // Who waits for the outcome, for the program that this one becomes (state.h).
    void append_to(StateWriter& state) const;
    void take_from(StateReader& state);

  private:
    /// Tells a file from one that was put in its place, or written over.
    struct Identity {
        dev_t device = 0;
        ino_t inode = 0;
        off_t size = 0;
        std::int64_t seconds = 0;  ///< of its last change
        std::int64_t nanoseconds = 0;

        bool operator==(const Identity&) const = default;
    };
    struct Check {
        pid_t pid;
        sys::UniqueFd answer;  ///< the end of a pipe
        sys::UniqueFd text;
        sys::Clock::time_point until;
        bool is_late = false;
        bool is_dropped = false;
    };
    Identity identity() const;

    std::string program_;
    std::chrono::milliseconds limit_;
    bool is_wanted_ = false;
    std::vector<pid_t> waiting_;  ///< who has asked for the next upgrade
    std::vector<pid_t> askers_;   ///< who has asked for the one that has begun
    std::optional<Check> check_;
    Identity checked_;
    sys::UniqueFd text_;
};

}  // namespace portsplit::daemon
