#pragma once
// Notices that nobody takes the connections of a generation, because its zygote or its spares were stopped.
// Pure: Generation gives it the numbers and acts.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "sys/clock.h"

namespace portsplit::daemon {

class Stall {
  public:
    /// Between two looks while connections wait.
    static constexpr std::chrono::milliseconds kPause{500};
    /// How long connections wait while none is taken, before the zygote is asked to see to its spares.
    static constexpr std::chrono::milliseconds kPatience{1000};
    /// How long the zygote has for its answer.
    static constexpr std::chrono::milliseconds kAnswerLimit{2000};

    enum class Step {
        None,
        Ask,   ///< ask the zygote to see to its spares, and to answer
        Kill,  ///< it has not answered
    };

    /// Notes that a connection was handed over.
    void on_handed_over(sys::Clock::time_point now);
    /// Notes that the zygote has answered.
    void on_answer(sys::Clock::time_point now);

    /// Returns when to call `look`; `time_point::max()` if no connection can be waiting.
    sys::Clock::time_point due() const { return due_; }

    /// @param waiting  how many of the connections that were handed over nobody has taken
    Step look(sys::Clock::time_point now, std::size_t waiting);

  private:
    std::uint64_t handed_over_ = 0;
    std::uint64_t taken_ = 0;         ///< at the last look
    sys::Clock::time_point since_{};  ///< when `taken_` changed, or the zygote answered
    std::optional<sys::Clock::time_point> asked_{};
    sys::Clock::time_point due_ = sys::Clock::time_point::max();
};

}  // namespace portsplit::daemon
