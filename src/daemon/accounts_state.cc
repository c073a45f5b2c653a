// What the ledger and the refusals keep over an upgrade.

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "daemon/ledger.h"
#include "daemon/refusals.h"
#include "daemon/state.h"

namespace portsplit::daemon {

void Ledger::append_to(StateWriter& state) const {
    state.number(kept_out_.size());
    for (const auto& [source, until] : kept_out_) {
        state.address(source);
        state.time(until);
    }
    std::map<const Listener*, std::size_t> numbers;
    state.number(listeners_.size());
    for (const auto& [name, listener] : listeners_) {
        numbers.emplace(&listener, numbers.size());
        state.text(name);
        state.number(listener.sources.size());
        for (const auto& [source, tally] : listener.sources) {
            state.address(source);
            state.time(tally.window);
            state.number(tally.current);
            state.number(tally.previous);
        }
    }
    std::map<const Service*, std::string> services;
    for (const auto& [name, service] : services_) services.emplace(&service, name);
    const std::map<Id, Connection> in_order(connections_.begin(), connections_.end());
    state.number(in_order.size());
    for (const auto& [id, connection] : in_order) {
        state.number(id);
        state.number(numbers.at(connection.listener));
        state.text(connection.service == nullptr ? "" : services.at(connection.service));
        state.optional_address(connection.source);
        state.number(connection.is_counted ? 1 : 0);
        state.number(connection.is_undecided ? 1 : 0);
        state.time(connection.opened);
    }
}

void Ledger::take_from(StateReader& state) {
    for (std::size_t left = state.count(); left > 0 && state.is_good(); --left) {
        const core::IpAddress source = state.address();
        const Time until = state.time();
        if (kept_out_.size() >= kMostKept || !kept_out_.emplace(source, until).second) {
            return state.refuse();
        }
        in_order_.emplace(until, source);
    }
    std::vector<Listener*> listeners;
    for (std::size_t left = state.count(); left > 0 && state.is_good(); --left) {
        listeners.push_back(&listeners_[state.text()]);
        for (std::size_t sources = state.count(); sources > 0 && state.is_good(); --sources) {
            Tally& tally = listeners.back()->sources[state.address()];
            tally.window = state.time();
            tally.current = state.number();
            tally.previous = state.number();
        }
    }
    for (std::size_t left = state.count(); left > 0 && state.is_good(); --left) {
        take_connection(state, listeners);
    }
}

/// The limits, and the sets of undecided connections, come with `use`.
void Ledger::take_connection(StateReader& state, const std::vector<Listener*>& listeners) {
    const Id id = state.number();
    const std::size_t listener = state.number();
    const std::string service = state.text();
    const Source source = state.optional_address();
    const bool is_counted = state.flag();
    const bool is_undecided = state.flag();
    const Time opened = state.time();
    const bool is_right = id != 0 && listener < listeners.size() && !connections_.contains(id) &&
                          (is_counted || !source);
    if (!state.is_good() || !is_right) return state.refuse();
    Connection& connection = connections_[id];
    connection.listener = listeners[listener];
    connection.is_undecided = is_undecided;
    connection.opened = opened;
    ++connection.listener->connections;
    if (is_counted) count(connection, source);
    if (service.empty()) return;
    connection.service = &services_[service];
    ++connection.service->connections;
    if (source) ++connection.service->sources[source];
}

void Refusals::append_to(StateWriter& state) const {
    for (const std::uint64_t count : counts_) state.number(count);
    state.number(sources_.size());
    for (const auto& [source, count] : sources_) {
        state.address(source);
        state.number(count);
    }
    state.number(total_);
    state.time(due_);
}

void Refusals::take_from(StateReader& state) {
    for (std::uint64_t& count : counts_) count = state.number();
    for (std::size_t left = state.count(); left > 0 && state.is_good(); --left) {
        const core::IpAddress source = state.address();
        sources_[source] = state.number();
    }
    total_ = state.number();
    due_ = state.time();
}

}  // namespace portsplit::daemon
