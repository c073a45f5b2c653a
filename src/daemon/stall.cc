#include "daemon/stall.h"

namespace portsplit::daemon {

using sys::Clock;

void Stall::on_handed_over(Clock::time_point now) {
    if (due_ == Clock::time_point::max()) {
        taken_ = handed_over_;
        since_ = now;
        due_ = now + kPause;
    }
    ++handed_over_;
}

void Stall::on_answer(Clock::time_point now) {
    asked_.reset();
    since_ = now;
}

Stall::Step Stall::look(Clock::time_point now, std::size_t waiting) {
    due_ = waiting == 0 ? Clock::time_point::max() : now + kPause;
    const std::uint64_t taken = handed_over_ - waiting;
    if (waiting == 0 || taken != taken_) {
        taken_ = taken;
        on_answer(now);
        return Step::None;
    }
    if (asked_) return now - *asked_ >= kAnswerLimit ? Step::Kill : Step::None;
    if (now - since_ < kPatience) return Step::None;
    asked_ = now;
    return Step::Ask;
}

}  // namespace portsplit::daemon
