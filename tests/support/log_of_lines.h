#pragma once
// A log that a test reads.

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "support/log_text.h"
#include "sys/fd.h"
#include "sys/log.h"

namespace portsplit {

/// A log of lines that the test may read back.
class LogOfLines {
  public:
    LogOfLines() {
        int ends[2] = {-1, -1};
        if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
            from_.reset(ends[0]);
            log_ = sys::Log::to_descriptor(sys::UniqueFd(ends[1]));
        }
    }

    sys::Log& log() { return log_; }

    /// What was written since the last call, without `portsplit[PID]: `.
    std::string lines() {
        std::string text(65536, '\0');
        const ssize_t got = ::read(from_.get(), text.data(), text.size());
        text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return without_pids(std::move(text));
    }

  private:
    sys::UniqueFd from_;
    sys::Log log_ = sys::Log::to_descriptor(sys::UniqueFd());
};

}  // namespace portsplit
