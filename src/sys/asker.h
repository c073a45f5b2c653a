#pragma once
// Asks a daemon by a signal, and gets its answer: a text in a datagram, to a Unix-domain socket whose abstract
// name has the pid of the asker (unix(7)). kill(1) asks too, and gets none. For `portsplit upgrade` and the daemon.

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// The longest answer, in bytes; what is longer is cut.
inline constexpr std::size_t kLongestAnswer = 1000;

class Asker {
  public:
    /// @returns EADDRINUSE if another process has the name of this one
    static Result<Asker> open();

    /// Sends the signal.
    Result<Done> ask(pid_t daemon, int signal) const;
    /// Waits for the answer of that daemon; others are ignored.
    /// @returns nothing if none has come in this time
    std::optional<std::string> wait(pid_t daemon, std::chrono::milliseconds limit) const;

  private:
    explicit Asker(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
};

/// Sends an answer to the process that asked by a signal; does nothing if it waits for none. Never waits.
/// @param asker  the sender of the signal
void answer(pid_t asker, std::string_view text);

}  // namespace portsplit::sys
