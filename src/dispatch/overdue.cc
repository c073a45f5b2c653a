#include "dispatch/overdue.h"

#include <algorithm>

namespace portsplit::dispatch {

using sys::Clock;

void Overdue::add(pid_t pid, const ConnectionRecord& record, std::chrono::milliseconds timeout) {
    const std::chrono::milliseconds hurry = record.arrival.hurry;
    const std::chrono::milliseconds limit = hurry.count() > 0 ? hurry : timeout;
    if (limit.count() == 0) return;
    entries_.push_back({pid, record.id, record.arrival.accepted + limit + kGrace});
}

Clock::time_point Overdue::due() const {
    auto due = Clock::time_point::max();
    for (const Entry& entry : entries_) due = std::min(due, entry.due);
    return due;
}

std::vector<pid_t> Overdue::take_due(Connections& connections) {
    std::vector<pid_t> due;
    if (entries_.empty()) return due;
    const auto now = Clock::now();
    std::erase_if(entries_, [&](const Entry& entry) {
        if (now < entry.due) return false;
        const ConnectionRecord* record = connections.find(entry.pid);
        const bool is_served = record != nullptr && record->id == entry.id;
        if (is_served && record->progress.decided == 0) due.push_back(entry.pid);
        return true;
    });
    return due;
}

}  // namespace portsplit::dispatch
