#include "daemon/ledger.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/entrance.h"

namespace portsplit::daemon {
namespace {

using Cause = handoff::Reaped::Cause;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// The shortest deadline that many undecided connections lead to.
constexpr milliseconds kShortest{1000};
/// What a listener without a deadline begins with then.
constexpr milliseconds kForEver{60000};

Ledger::Source source_of(const Ledger::Source& client) {
    if (!client) return std::nullopt;
    return client->first_of_source();
}

void insert(auto& undecided, const Ledger::Source& source, Ledger::Id id) {
    if (undecided.of[source].insert(id).second) ++undecided.count;
}

void remove(auto& undecided, const Ledger::Source& source, Ledger::Id id) {
    const auto found = undecided.of.find(source);
    if (found == undecided.of.end() || found->second.erase(id) == 0) return;
    --undecided.count;
    if (found->second.empty()) undecided.of.erase(found);
}

}  // namespace

void Ledger::use(const core::Config& config, const std::vector<core::ServiceBudget>& services) {
    for (auto& [name, listener] : listeners_) {
        listener.budget = {};
        listener.own = {};
    }
    by_index_.clear();
    std::size_t shared = 0;
    for (const core::Listener* configured : core::listeners_of(config)) {
        Listener& listener = listeners_[std::string(configured->name)];
        listener.budget = core::budget_of(config, *configured);
        listener.own.limit = listener.budget.undecided;
        if (listener.budget.shares_undecided) shared = listener.budget.undecided;
        by_index_.push_back(&listener);
    }
    shared_ = {.limit = shared};
    for (auto& [name, service] : services_) service.budget = {};
    for (const core::ServiceBudget& budget : services) services_[budget.name].budget = budget;
    for (auto& [id, connection] : connections_) {
        if (connection.is_undecided) {
            insert(undecided_of(*connection.listener), connection.source, id);
        }
    }
    std::erase_if(listeners_, [&](const auto& entry) {
        return entry.second.connections == 0 &&
               std::ranges::find(by_index_, &entry.second) == by_index_.end();
    });
    std::erase_if(services_, [](const auto& entry) {
        return entry.second.connections == 0 && entry.second.budget.name.empty();
    });
}

Ledger::Connection& Ledger::add(Id id, std::size_t listener, Time now) {
    Connection& connection = connections_[id];
    connection.opened = now;
    connection.listener = by_index_.at(listener);
    ++connection.listener->connections;
    return connection;
}

Refusal Ledger::open(Id id, std::size_t listener, const Source& client, Time now) {
    const Source source = source_of(client);
    Listener& at = *by_index_.at(listener);
    if (source) {
        if (const Refusal refusal = admit(at, *source, now); refusal != Refusal::None) {
            return refusal;
        }
    }
    Connection& connection = add(id, listener, now);
    count(connection, source);
    set_undecided(id, connection, true);
    return Refusal::None;
}

void Ledger::open_for_balancer(Id id, std::size_t listener, Time now) {
    set_undecided(id, add(id, listener, now), true);
}

Refusal Ledger::name(Id id, const Source& client, Time now) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second.is_counted) return Refusal::None;
    Connection& connection = found->second;
    const Source source = source_of(client);
    if (source) {
        const Refusal refusal = admit(*connection.listener, *source, now);
        if (refusal != Refusal::None) return refusal;
    }
    const bool is_undecided = connection.is_undecided;
    set_undecided(id, connection, false);
    count(connection, source);
    set_undecided(id, connection, is_undecided);
    return Refusal::None;
}

/// Returns why a source may not have one more connection now; else counts that it came.
Refusal Ledger::admit(Listener& listener, const core::IpAddress& source, Time now) {
    const auto kept_out = kept_out_.find(source);
    if (kept_out != kept_out_.end()) {
        if (now < kept_out->second) return Refusal::Penalty;
        let_in(kept_out);
    }
    const core::Budget& budget = listener.budget;
    if (listener.sources.size() >= listener.sweep_at) sweep(listener, now);
    Tally& tally = listener.sources[source];
    if (is_too_often(listener, tally, now)) {
        keep_out(source, budget.rate_penalty, now);
        return Refusal::Rate;
    }
    const std::size_t limit = source.is_loopback() ? budget.source_local : budget.source;
    if (limit > 0 && tally.connections >= limit) return Refusal::Source;
    return Refusal::None;
}

/// Counts by windows of the rate's seconds. Of the window before, the part counts that is not older than
/// these seconds, as if its connections had come evenly.
bool Ledger::is_too_often(Listener& listener, Tally& tally, Time now) const {
    const core::Rate& rate = listener.budget.rate;
    if (rate.count == 0) return false;
    const auto length = std::chrono::duration_cast<Time::duration>(seconds(rate.seconds));
    const auto passed = now - tally.window;
    if (passed >= length) {
        tally.previous = passed < 2 * length ? tally.current : 0;
        tally.current = 0;
        tally.window = tally.previous > 0 ? tally.window + length : now;
    }
    const auto rest = length - (now - tally.window);
    const double before = static_cast<double>(tally.previous) * static_cast<double>(rest.count()) /
                          static_cast<double>(length.count());
    if (before + static_cast<double>(tally.current) >= static_cast<double>(rate.count)) return true;
    ++tally.current;
    return false;
}

void Ledger::count(Connection& connection, const Source& source) {
    connection.is_counted = true;
    connection.source = source;
    if (source) ++connection.listener->sources[*source].connections;
}

Refusal Ledger::choose(Id id, std::string_view name) {
    const auto found = connections_.find(id);
    const auto service = services_.find(name);
    if (found == connections_.end() || service == services_.end()) return Refusal::None;
    Connection& connection = found->second;
    if (connection.service != nullptr) return Refusal::None;
    Service& chosen = service->second;
    const core::ServiceBudget& budget = chosen.budget;
    if (budget.all > 0 && chosen.connections >= budget.all) return Refusal::Service;
    if (connection.source) {
        std::size_t& of_source = chosen.sources[connection.source];
        if (budget.source > 0 && of_source >= budget.source) return Refusal::ServiceSource;
        ++of_source;
    }
    ++chosen.connections;
    connection.service = &chosen;
    return Refusal::None;
}

void Ledger::decide(Id id) {
    const auto found = connections_.find(id);
    if (found != connections_.end()) set_undecided(id, found->second, false);
}

void Ledger::set_undecided(Id id, Connection& connection, bool is_undecided) {
    if (connection.is_undecided == is_undecided) return;
    connection.is_undecided = is_undecided;
    Undecided& all = undecided_of(*connection.listener);
    if (is_undecided) {
        insert(all, connection.source, id);
    } else {
        remove(all, connection.source, id);
    }
}

void Ledger::close(Id id, const Cost& cost, Time now) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    if (const Source& source = found->second.source) {
        const core::Budget& budget = found->second.listener->budget;
        std::size_t time = cost.seconds;
        if (cost.cause == Cause::Undecided) time = std::max(time, budget.undecided_penalty);
        if (cost.cause == Cause::Crash) {
            time = std::max(
                time, source->is_loopback() ? budget.crash_penalty_local : budget.crash_penalty);
        }
        keep_out(*source, time, now);
    }
    forget(id);
}

void Ledger::forget(Id id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    Connection& connection = found->second;
    set_undecided(id, connection, false);
    leave_service(connection);
    Listener& listener = *connection.listener;
    --listener.connections;
    if (connection.source) {
        const auto tally = listener.sources.find(*connection.source);
        if (tally != listener.sources.end() && --tally->second.connections == 0 &&
            listener.budget.rate.count == 0) {
            listener.sources.erase(tally);
        }
    }
    connections_.erase(found);
}

void Ledger::leave_service(Connection& connection) {
    if (connection.service == nullptr) return;
    Service& service = *connection.service;
    --service.connections;
    const auto of_source = service.sources.find(connection.source);
    if (of_source != service.sources.end() && --of_source->second == 0) {
        service.sources.erase(of_source);
    }
}

/// Removes sources that have no connection and did not come lately. If most of them came lately, those that
/// have no connection all go: their count begins anew.
void Ledger::sweep(Listener& listener, Time now) {
    const auto lately = now - 2 * seconds(listener.budget.rate.seconds);
    std::erase_if(listener.sources, [&](const auto& entry) {
        return entry.second.connections == 0 && entry.second.window < lately;
    });
    if (listener.sources.size() >= kMostKept) {
        std::erase_if(listener.sources,
                      [](const auto& entry) { return entry.second.connections == 0; });
    }
    listener.sweep_at = std::max<std::size_t>(1024, 2 * listener.sources.size());
}

/// Keeps a source out for so many seconds, if it is not kept out for longer. If too many are, the one whose time
/// ends first comes in earlier.
void Ledger::keep_out(const core::IpAddress& source, std::size_t time, Time now) {
    if (time == 0) return;
    Time until = now + seconds(time);
    if (const auto found = kept_out_.find(source); found != kept_out_.end()) {
        until = std::max(until, found->second);
        let_in(found);
    }
    while (!in_order_.empty() &&
           (in_order_.begin()->first <= now || kept_out_.size() >= kMostKept)) {
        let_in(kept_out_.find(in_order_.begin()->second));
    }
    kept_out_.emplace(source, until);
    in_order_.emplace(until, source);
}

void Ledger::let_in(std::map<core::IpAddress, Time>::iterator kept_out) {
    in_order_.erase({kept_out->second, kept_out->first});
    kept_out_.erase(kept_out);
}

std::vector<Ledger::Excess> Ledger::take_excess(Time now) {
    std::vector<Excess> excess;
    excess_due_ = Time::max();
    take_excess(shared_, now, excess);
    for (auto& [name, listener] : listeners_) take_excess(listener.own, now, excess);
    return excess;
}

void Ledger::take_excess(Undecided& all, Time now, std::vector<Excess>& excess) {
    while (all.limit > 0 && all.count > all.limit) {
        const auto most = std::ranges::max_element(all.of, {}, [](const auto& entry) {
            // Of sources with the same number, the one whose oldest connection is the oldest.
            return std::tuple(entry.second.size(),
                              std::numeric_limits<Id>::max() - *entry.second.begin());
        });
        const Id oldest = *most->second.begin();
        Connection& connection = connections_.at(oldest);
        const Time due = connection.opened + kYoung;
        if (now < due) {
            excess_due_ = std::min(excess_due_, due);
            return;
        }
        excess.push_back({oldest, most->first});
        set_undecided(oldest, connection, false);
    }
}

milliseconds Ledger::deadline(std::size_t listener, milliseconds timeout) const {
    const Undecided& all = undecided_of(*by_index_.at(listener));
    if (all.limit == 0 || all.count * 4 <= all.limit * 3) return timeout;
    const milliseconds from = timeout.count() == 0 ? kForEver : timeout;
    if (from <= kShortest) return timeout;
    // From three quarters of the limit, where it is `from`, to the limit, where it is the shortest.
    const std::size_t above = std::min(all.count, all.limit) * 4 - all.limit * 3;
    const auto share = (from - kShortest).count() * static_cast<std::int64_t>(above) /
                       static_cast<std::int64_t>(all.limit);
    return from - milliseconds(share);
}

std::vector<std::string> Ledger::largest_sources() const {
    std::map<core::IpAddress, std::size_t> counts;
    for (const auto& [id, connection] : connections_) {
        if (connection.source) ++counts[*connection.source];
    }
    return largest(counts);
}

std::size_t Ledger::undecided() const {
    std::size_t sum = shared_.count;
    for (const auto& [name, listener] : listeners_) sum += listener.own.count;
    return sum;
}

std::size_t Ledger::kept() const {
    std::size_t sum = kept_out_.size();
    for (const auto& [name, listener] : listeners_) sum += listener.sources.size();
    return sum;
}

std::vector<std::string> largest(const std::map<core::IpAddress, std::size_t>& counts) {
    constexpr std::size_t kMost = 3;
    std::vector<std::pair<core::IpAddress, std::size_t>> sorted(counts.begin(), counts.end());
    std::ranges::stable_sort(sorted, std::greater(),
                             [](const auto& entry) { return entry.second; });
    sorted.resize(std::min(sorted.size(), kMost));
    std::vector<std::string> texts;
    texts.reserve(sorted.size());
    for (const auto& [source, count] : sorted) {
        texts.push_back(fmt::format("{} ({})", source.source(), count));
    }
    return texts;
}

}  // namespace portsplit::daemon
