// What the generations keep over an upgrade. The zygotes notice nothing: their channels stay open.

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/generations.h"
#include "daemon/state.h"

namespace portsplit::daemon {

void Generation::append_to(StateWriter& state) const {
    state.number(static_cast<std::uint64_t>(pid_));
    state.descriptor(channel_.get());
    state.descriptor(zygote_end_.get());
    state.descriptor(orders_.get());
    state.number(ready_ ? 1 : 0);
    state.number(connections_);
    state.number(crashes_);
    std::vector<std::uint64_t> ids(ids_.begin(), ids_.end());
    std::ranges::sort(ids);
    state.number(ids.size());
    for (const std::uint64_t id : ids) state.number(id);
    state.number(services_.size());
    for (const core::ServiceBudget& service : services_) {
        state.text(service.name);
        state.number(service.all);
        state.number(service.source);
    }
}

Generation Generation::take_from(StateReader& state) {
    const auto pid = static_cast<pid_t>(state.number(std::numeric_limits<pid_t>::max()));
    // kill(2) takes other numbers for more than one process.
    if (pid <= 1) state.refuse();
    sys::UniqueFd channel = state.descriptor();
    sys::UniqueFd zygote_end = state.descriptor();
    sys::UniqueFd orders = state.descriptor();
    Generation generation(pid, std::move(channel), std::move(zygote_end), std::move(orders), {});
    generation.ready_ = state.flag();
    generation.connections_ = state.number();
    generation.crashes_ = state.number();
    for (std::size_t left = state.count(); left > 0 && state.is_good(); --left) {
        generation.ids_.insert(state.number());
    }
    for (std::size_t left = state.count(); left > 0 && state.is_good(); --left) {
        core::ServiceBudget& service = generation.services_.emplace_back();
        service.name = state.text();
        service.all = state.number();
        service.source = state.number();
    }
    // Those that nobody has taken yet are watched from now on.
    const auto now = sys::Clock::now();
    for (std::size_t i = generation.waiting(); i > 0; --i) generation.stall_.on_handed_over(now);
    return generation;
}

void Generations::append_to(StateWriter& state) const {
    state.number(orphans_);
    state.number(current_ ? 1 : 0);
    if (current_) current_->append_to(state);
    state.number(retired_.size());
    for (const Generation& generation : retired_) generation.append_to(state);
}

void Generations::take_from(StateReader& state) {
    orphans_ = state.number();
    if (state.flag()) current_.emplace(Generation::take_from(state));
    for (std::size_t left = state.count(); left > 0 && state.is_good(); --left) {
        retired_.push_back(Generation::take_from(state));
    }
}

}  // namespace portsplit::daemon
