#include "support/moved_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace {

// A global, because clock_gettime(2) has no parameter for it.
time_t seconds_on = 0;

}  // namespace

/// Replaces the function of the C library, also for std::chrono::steady_clock.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
    const long failed = ::syscall(SYS_clock_gettime, clock, now);
    if (failed == 0 && clock == CLOCK_MONOTONIC) now->tv_sec += seconds_on;
    return static_cast<int>(failed);
}

namespace portsplit {

MovedClock::~MovedClock() { seconds_on = 0; }

void MovedClock::move(std::chrono::seconds by) { seconds_on += by.count(); }

}  // namespace portsplit
