#include "dispatch/stderr_lines.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace portsplit::dispatch {
namespace {

constexpr std::chrono::minutes kPeriod{1};

}  // namespace

using sys::Clock;

void StderrLines::take_line(std::string_view line, Clock::time_point now, const Write& write) {
    if (now >= until_ && left_out_ == 0) {
        until_ = now + kPeriod;
        written_ = 0;
    }
    if (written_ >= kWritten) {
        ++left_out_;
        return;
    }
    ++written_;
    write(line);
}

void StderrLines::take(std::string_view bytes, Clock::time_point now, const Write& write) {
    while (!bytes.empty()) {
        if (std::exchange(was_cut_, false) && bytes.front() == '\n') {
            bytes.remove_prefix(1);
            continue;
        }
        const std::string_view most = bytes.substr(0, kLongest - beginning_.size());
        const std::size_t newline = most.find('\n');
        const bool ends = newline != std::string_view::npos;
        const std::string_view part = most.substr(0, newline);
        bytes.remove_prefix(part.size() + (ends ? 1 : 0));
        was_cut_ = !ends && beginning_.size() + part.size() == kLongest;
        if (!ends && !was_cut_) {
            beginning_.append(part);
        } else if (beginning_.empty()) {
            take_line(part, now, write);
        } else {
            beginning_.append(part);
            take_line(beginning_, now, write);
            beginning_.clear();
        }
    }
}

void StderrLines::end(Clock::time_point now, const Write& write) {
    if (beginning_.empty()) return;
    take_line(beginning_, now, write);
    beginning_.clear();
}

std::uint64_t StderrLines::take_left_out() {
    until_ = {};
    return std::exchange(left_out_, 0);
}

Clock::time_point StderrLines::due() const {
    return left_out_ > 0 ? until_ : Clock::time_point::max();
}

}  // namespace portsplit::dispatch
