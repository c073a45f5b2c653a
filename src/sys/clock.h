#pragma once
// The one clock of all deadlines and pauses. Monotonic: setting the wall clock moves no deadline.
// The wall clock is for people, as text.

#include <chrono>
#include <ctime>
#include <string>

namespace portsplit::sys {

using Clock = std::chrono::steady_clock;

/// Returns the timeout of poll(2) for a deadline: whole milliseconds, rounded up so that poll never
/// returns early; 0 after the deadline; -1 (no limit) for `Clock::time_point::max()`.
inline int poll_timeout(Clock::time_point deadline) {
    if (deadline == Clock::time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return 0;
    // At most 11 days, since an int holds 24 at most. The caller polls again.
    return left > 1'000'000'000 ? 1'000'000'000 : static_cast<int>(left);
}

/// Returns a time of the wall clock here in a form of strftime(3); empty if it has no year that fits
/// an int (localtime(3) EOVERFLOW), or if the text is longer than 63 bytes.
inline std::string local_time(const char* form, std::time_t time = std::time(nullptr)) {
    char text[64];
    std::tm fields{};
    if (::localtime_r(&time, &fields) == nullptr) return {};
    return {text, std::strftime(text, sizeof text, form, &fields)};
}

}  // namespace portsplit::sys
