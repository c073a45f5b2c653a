#include "dispatch/eof_lines.h"

#include <algorithm>
#include <chrono>

namespace portsplit::dispatch {

using sys::Clock;

bool EofLines::admit(const core::IpAddress& client) {
    const std::string source = client.source();
    auto found = sources_.find(source);
    if (found == sources_.end()) {
        if (sources_.size() >= kMostSources) return true;
        found = sources_.emplace(source, Count{Clock::now() + std::chrono::minutes(1)}).first;
        due_ = std::min(due_, found->second.until);
    }
    Count& count = found->second;
    if (count.written == kWritten) {
        ++count.left_out;
        return false;
    }
    ++count.written;
    return true;
}

std::vector<std::string> EofLines::reports(Clock::time_point now) {
    std::vector<std::string> lines;
    due_ = Clock::time_point::max();
    for (auto it = sources_.begin(); it != sources_.end();) {
        const auto& [source, count] = *it;
        if (now < count.until) {
            due_ = std::min(due_, count.until);
            ++it;
            continue;
        }
        if (count.left_out > 0) {
            lines.push_back(std::to_string(count.left_out) + " more connections from " + source +
                            " ended before a service was chosen");
        }
        it = sources_.erase(it);
    }
    return lines;
}

}  // namespace portsplit::dispatch
