#pragma once
// The channel on which dispatchers publish their progress. One for all: each inherits the writing end, and the
// zygote reads. So a compromised dispatcher can shut it for all; the zygote replaces it then.

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "core/passing.h"
#include "dispatch/progress.h"
#include "dispatch/progress_message.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/log.h"

namespace portsplit::dispatch {

class ProgressChannel {
  public:
    /// What may come. Descriptors come of programs only: what else sends one is compromised, and closing it may take
    /// long.
    enum class Takes { Bytes, Descriptors };

    /// @param log  for the line about a channel that was shut; borrowed, must outlive this
    static sys::Result<ProgressChannel> create(sys::Log& log, Takes takes);

    // For the zygote.

    /// Room for the longest message, and for one byte more: a message that fills it was too long.
    using Buffer =
        std::array<std::byte, sizeof(Progress) + sizeof(sys::Ends) + core::kLongestLogged + 1>;

    /// What a process has sent. The kernel has stamped it with the sender. Not checked by `is_valid`.
    struct Published {
        pid_t sender;
        std::optional<Message> message;  ///< none if it is too short; a part of it is in the buffer
        sys::UniqueFd fd;                ///< that came with it; or none
    };

    /// How many messages are read before the zygote does its other work. The channel holds fewer, so only a
    /// compromised dispatcher that floods it reaches this limit.
    static constexpr int kBatch = 1000;

    /// Receives the next message. If the channel was shut, renews it.
    /// @returns nothing if none waits
    std::optional<Published> next(Buffer& buffer);

    /// Returns false if the channel was shut and could not be replaced: call `renew` again.
    bool is_open() const { return static_cast<bool>(reading_end_); }
    /// Replaces the channel after EOF on it.
    void renew();
    /// Returns when the zygote counts its spares though no message came: once the channel was shut, some cannot
    /// send one. The maximum before that.
    sys::Clock::time_point due() const;

    /// Readable when a message waits; negative if the channel is not open.
    int fd() const { return reading_end_.get(); }

    // For its forks.

    /// Returns the end for `ChannelReporter`.
    int writing_end() const { return writing_end_.get(); }

  private:
    ProgressChannel(sys::Log& log, Takes takes, sys::UniqueFd reading_end,
                    sys::UniqueFd writing_end)
        : log_(log),
          takes_(takes),
          reading_end_(std::move(reading_end)),
          writing_end_(std::move(writing_end)) {}

    sys::Log& log_;
    Takes takes_;
    sys::UniqueFd reading_end_;
    sys::UniqueFd writing_end_;
    bool was_shut_ = false;  ///< true once some spares may hold a channel that was replaced
};

}  // namespace portsplit::dispatch
