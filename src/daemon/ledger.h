#pragma once
// Who has how many connections, and whether one more may come: the budgets of sources, services and the
// undecided, and the sources that a penalty keeps out. Pure: Intake and Generation tell it what happens, and act.
//
// How it works. Each connection has an entry from accept until its process has ended. A source that a penalty
// keeps out, or whose rate is limited, is kept without a connection for a time; there is a bound on how many.
// Connections of a dead zygote are forgotten, because nobody can tell when they end.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/budgets.h"
#include "core/ip_address.h"
#include "core/model.h"
#include "handoff.h"
#include "sys/clock.h"

namespace portsplit::daemon {

using core::Refusal;

class StateReader;
class StateWriter;

/// What the end of a connection costs its source.
struct Cost {
    handoff::Reaped::Cause cause = handoff::Reaped::Cause::None;
    std::uint32_t seconds = 0;  ///< by a penalty of its service
};

/// Returns the sources with the largest counts, each as `SOURCE (COUNT)`, at most three.
std::vector<std::string> largest(const std::map<core::IpAddress, std::size_t>& counts);

class Ledger {
  public:
    using Id = std::uint64_t;
    using Time = sys::Clock::time_point;
    /// None for a client over a Unix-domain socket.
    using Source = std::optional<core::IpAddress>;

    /// An undecided connection is not ended before it is so old: its client's first bytes may be on the way.
    static constexpr std::chrono::milliseconds kYoung{100};

    /// An undecided connection that is to be ended.
    struct Excess {
        Id id;
        Source source;
    };

    /// The largest number of sources that are kept without a connection.
    static constexpr std::size_t kMostKept = 65536;

    /// Sets the limits. Connections above a new limit go on.
    void use(const core::Config& config, const std::vector<core::ServiceBudget>& services);

    /// Notes a connection, unless its source may not have one more.
    /// @param listener  index in core::listeners_of
    Refusal open(Id id, std::size_t listener, const Source& source, Time now);
    /// Notes the connection of a balancer, whose client is not known yet.
    void open_for_balancer(Id id, std::size_t listener, Time now);
    /// A header named the client of a connection.
    Refusal name(Id id, const Source& source, Time now);
    /// A connection asks for a service that has limits.
    Refusal choose(Id id, std::string_view service);
    /// The service of a connection is chosen; a service that has limits was asked for before.
    void decide(Id id);
    /// The process of a connection has ended.
    void close(Id id, const Cost& cost, Time now);
    /// Nothing more will be known of a connection.
    void forget(Id id);

    /// Returns undecided connections that are to be ended, each once: above a limit, the oldest of the source
    /// that has most of them, but none before it is `kYoung`: the first bytes of a client take some time.
    std::vector<Excess> take_excess(Time now);
    /// Returns when `take_excess` may have something to return; the maximum if nothing is above a limit.
    Time excess_due() const { return excess_due_; }

    /// Returns the deadline of new connections: shorter than `timeout` where many are undecided.
    std::chrono::milliseconds deadline(std::size_t listener,
                                       std::chrono::milliseconds timeout) const;

    /// Returns the sources with the most connections, each as `SOURCE (COUNT)`, at most three.
    std::vector<std::string> largest_sources() const;

    /// Returns how many connections count as undecided.
    std::size_t undecided() const;

    /// Returns how many sources there are that it keeps something of.
    std::size_t kept() const;

    // For an upgrade (state.h).
    void append_to(StateWriter& state) const;
    /// Only for a ledger that is empty. Call `use` after it.
    void take_from(StateReader& state);

  private:
    /// The connections of one source at a listener, and how often it came.
    struct Tally {
        std::size_t connections = 0;
        Time window{};             ///< when the current window began
        std::size_t current = 0;   ///< how many came in it
        std::size_t previous = 0;  ///< how many came in the one before
    };
    /// Undecided connections that have one limit, by source; the ids of each in the order of their age.
    struct Undecided {
        std::size_t limit = 0;
        std::size_t count = 0;
        std::map<Source, std::set<Id>> of{};
    };
    struct Listener {
        core::Budget budget{};
        Undecided own{};
        std::map<core::IpAddress, Tally> sources{};
        std::size_t connections = 0;
        std::size_t sweep_at =
            1024;  ///< how many sources there may be before those without use are removed
    };
    struct Service {
        core::ServiceBudget budget{};
        std::size_t connections = 0;
        std::map<Source, std::size_t> sources{};
    };
    struct Connection {
        Listener* listener = nullptr;
        Service* service = nullptr;  ///< null for one without limits
        Source source{};
        bool is_counted = false;    ///< false while only its balancer is known
        bool is_undecided = false;  ///< counts as such
        Time opened{};
    };

    Undecided& undecided_of(Listener& listener) {
        return listener.budget.shares_undecided ? shared_ : listener.own;
    }
    const Undecided& undecided_of(const Listener& listener) const {
        return listener.budget.shares_undecided ? shared_ : listener.own;
    }
    Connection& add(Id id, std::size_t listener, Time now);
    void take_excess(Undecided& all, Time now, std::vector<Excess>& excess);
    Refusal admit(Listener& listener, const core::IpAddress& source, Time now);
    bool is_too_often(Listener& listener, Tally& tally, Time now) const;
    void count(Connection& connection, const Source& source);
    void set_undecided(Id id, Connection& connection, bool is_undecided);
    void keep_out(const core::IpAddress& source, std::size_t time, Time now);
    void let_in(std::map<core::IpAddress, Time>::iterator kept_out);
    void sweep(Listener& listener, Time now);
    void leave_service(Connection& connection);
    void take_connection(StateReader& state, const std::vector<Listener*>& listeners);

    std::vector<Listener*> by_index_;
    std::map<std::string, Listener> listeners_;
    std::map<std::string, Service, std::less<>> services_;
    Undecided shared_;
    Time excess_due_ = Time::max();
    std::unordered_map<Id, Connection> connections_;
    std::map<core::IpAddress, Time> kept_out_;             ///< until when
    std::set<std::pair<Time, core::IpAddress>> in_order_;  ///< the same, by their ends
};

}  // namespace portsplit::daemon
