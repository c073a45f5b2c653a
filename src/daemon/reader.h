#pragma once
// Reads the configuration file in a process of its own, so that the daemon accepts meanwhile. A parser that
// crashes, does not end or uses all memory does not stop the daemon. Used by Reload.
//
// How it works. The reader is a fork of the daemon. It reads the file and all that it includes, checks it
// against this machine, writes problems to the log, and looks up the user. What it found goes into two
// pieces of memory that the daemon made before the fork: what the daemon needs, and what the zygote needs.
// When the reader has ended, the daemon seals both.

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>

#include "config/load.h"
#include "core/result.h"
#include "daemon/facts.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/log.h"

namespace portsplit::daemon {

/// A configuration that can be put into use.
struct Reading : Facts {
    sys::UniqueFd packed;  ///< sealed memory for the zygote: config/packed.h
};

/// There is no configuration to put into use.
struct Unread {
    int exit_code = 0;           ///< of a daemon that cannot start for that reason
    std::uint32_t problems = 0;  ///< of the file, as the log has them; 0 if it could not be read
};

/// The most address space that a reader may use, in bytes; what it has from the daemon counts (RLIMIT_AS,
/// setrlimit(2)).
inline constexpr std::size_t kReaderMemory = std::size_t{1} << 30;

class Reader {
  public:
    /// Forks a reader. It is a child of the daemon until it has been waited for.
    /// @param need  Services if the listeners were passed by a service manager
    static sys::Result<Reader> start(const std::string& file, config::Need need, sys::Log& log,
                                     std::size_t memory = kReaderMemory);

    pid_t pid() const { return pid_; }

    /// Kills the reader. It must be waited for all the same.
    void kill();

    /// Returns what was read, or why nothing was; the log has the reasons. Call it once, after the reader has
    /// ended.
    /// @param status  of waitpid(2)
    core::Result<std::shared_ptr<const Reading>, Unread> finish(int status, sys::Log& log);

  private:
    Reader(std::string file, pid_t pid, sys::UniqueFd facts, sys::UniqueFd packed)
        : file_(std::move(file)), pid_(pid), facts_(std::move(facts)), packed_(std::move(packed)) {}

    std::string file_;
    pid_t pid_;
    sys::UniqueFd facts_;
    sys::UniqueFd packed_;
    bool killed_ = false;
};

}  // namespace portsplit::daemon
