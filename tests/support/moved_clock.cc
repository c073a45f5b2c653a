#include "support/moved_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace {

// Globals, because clock_gettime(2) has no parameter for them.
time_t seconds_on = 0;
std::atomic<time_t> wall_seconds_on = 0;

}  // namespace

/// Replaces the function of the C library, also for the clocks of std::chrono.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
    const long failed = ::syscall(SYS_clock_gettime, clock, now);
    if (failed == 0 && clock == CLOCK_MONOTONIC) now->tv_sec += seconds_on;
    if (failed == 0 && clock == CLOCK_REALTIME) now->tv_sec += wall_seconds_on;
    return static_cast<int>(failed);
}

namespace portsplit {

MovedClock::~MovedClock() {
    seconds_on = 0;
    wall_seconds_on = 0;
}

void MovedClock::move(std::chrono::seconds by) { seconds_on += by.count(); }

void MovedClock::set_wall_clock(std::chrono::seconds by) { wall_seconds_on += by.count(); }

}  // namespace portsplit
