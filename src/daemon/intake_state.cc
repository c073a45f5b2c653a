// What the intake keeps over an upgrade: the connections that no zygote could take yet, and the next id.

#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/entrance.h"
#include "daemon/intake.h"
#include "daemon/state.h"

namespace portsplit::daemon {

void Intake::append_to(StateWriter& state) const {
    state.number(next_id_);
    state.time(report_at_);
    state.number(queue_.size());
    for (const Delivery& delivery : queue_) {
        state.plain(delivery.message);
        state.descriptor(delivery.client.get());
    }
}

void Intake::take_from(StateReader& state) {
    next_id_ = state.number();
    if (next_id_ == 0) state.refuse();
    report_at_ = state.time();
    const std::size_t listeners = facts_ ? core::listeners_of(facts_->config).size() : 0;
    for (std::size_t left = state.count(); left > 0 && state.is_good(); --left) {
        Delivery delivery;
        delivery.message = state.plain<handoff::Handover>();
        delivery.client = state.descriptor();
        const sys::Arrival& arrival = delivery.message.arrival;
        const bool is_right = delivery.message.kind == handoff::Kind::Handover &&
                              arrival.listener < listeners && arrival.ends.peer.is_valid() &&
                              arrival.ends.local.is_valid();
        if (!is_right) state.refuse();
        queue_.push_back(std::move(delivery));
    }
}

}  // namespace portsplit::daemon
