#include "daemon/refusals.h"

#include <fmt/format.h>

#include <chrono>
#include <numeric>
#include <vector>

namespace portsplit::daemon {
namespace {

constexpr std::chrono::minutes kPause{1};

}  // namespace

bool Refusals::add(Refusal why, const Ledger::Source& client, Time now) {
    ++total_;
    if (due_ == Time::max()) {
        due_ = now + kPause;
        return true;
    }
    ++counts_.at(static_cast<std::size_t>(why));
    if (!client) return false;
    const core::IpAddress source = client->first_of_source();
    if (sources_.size() < kMostSources || sources_.contains(source)) ++sources_[source];
    return false;
}

std::optional<std::string> Refusals::report(Time now) {
    if (now < due_) return std::nullopt;
    const std::uint64_t sum = std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
    due_ = sum == 0 ? Time::max() : now + kPause;
    if (sum == 0) return std::nullopt;
    std::map<std::string, std::uint64_t> by_key;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        if (counts_[i] > 0) by_key[core::key_of(static_cast<Refusal>(i))] += counts_[i];
    }
    std::vector<std::string> parts;
    for (const auto& [key, count] : by_key) parts.push_back(fmt::format("{} by {}", count, key));
    const auto most = largest(sources_);
    std::string line = fmt::format("refused {} more {} in the last minute: {}{}{}", sum,
                                   sum == 1 ? "connection" : "connections", fmt::join(parts, ", "),
                                   most.empty() ? "" : "; most from ", fmt::join(most, ", "));
    counts_ = {};
    sources_.clear();
    return line;
}

}  // namespace portsplit::daemon
