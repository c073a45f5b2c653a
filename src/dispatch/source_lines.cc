#include "dispatch/source_lines.h"

#include <algorithm>
#include <chrono>

namespace portsplit::dispatch {

using sys::Clock;

namespace {

/// Between two looks at all sources.
constexpr std::chrono::seconds kPause{1};

constexpr std::array<const char*, SourceLines::kAbout> kEndings{
    " ended before a service was chosen", " ended; with log = all each has a line"};

}  // namespace

bool SourceLines::admit(const core::IpAddress& client, About about) {
    const core::IpAddress source = client.first_of_source();
    auto found = sources_.find(source);
    if (found == sources_.end()) {
        if (sources_.size() >= kMostSources) return true;
        found =
            sources_.emplace(source, Count{.until = Clock::now() + std::chrono::minutes(1)}).first;
        due_ = std::min(due_, found->second.until);
    }
    const auto kind = static_cast<std::size_t>(about);
    Count& count = found->second;
    if (count.written[kind] == kWritten[kind]) {
        ++count.left_out[kind];
        return false;
    }
    ++count.written[kind];
    return true;
}

std::vector<std::string> SourceLines::reports(Clock::time_point now) {
    std::vector<std::string> lines;
    due_ = Clock::time_point::max();
    const auto next = now < Clock::time_point::max() - kPause ? now + kPause : now;
    for (auto it = sources_.begin(); it != sources_.end();) {
        const auto& [source, count] = *it;
        if (now < count.until) {
            due_ = std::min(due_, std::max(count.until, next));
            ++it;
            continue;
        }
        for (std::size_t kind = 0; kind < kAbout; ++kind) {
            if (count.left_out[kind] == 0) continue;
            lines.push_back(std::to_string(count.left_out[kind]) + " more connections from " +
                            source.source() + kEndings[kind]);
        }
        it = sources_.erase(it);
    }
    return lines;
}

}  // namespace portsplit::dispatch
