#pragma once
// All zygotes of the daemon, and how many connections they hold. It starts none (Reload does) and
// decides nothing: the Daemon reports each child that ended, Intake hands connections over.
//
// How it works. A generation is *starting* until its zygote is ready, then *current*: new
// connections go to it. When the next one becomes current it is *retired*, and its zygote exits
// after the last connection. When a zygote dies, the dispatchers of its connections become children
// of the daemon, which is a subreaper: the *orphans*. Only their number is known.

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/generation.h"
#include "sys/poll_set.h"
#include "sys/process.h"

namespace portsplit::daemon {

class Generations {
  public:
    /// @param accounts  borrowed; must outlive this
    explicit Generations(Accounts& accounts) : accounts_(accounts) {}

    /// Returns true if there is a starting generation and its zygote has sent Ready.
    bool starting_is_ready() const { return starting_ && starting_->is_ready(); }
    /// Null before the first one is ready, and from the death of a zygote until the next is ready.
    Generation* current() { return current_ ? &*current_ : nullptr; }

    /// Takes ownership of the generation that is starting. There must be none already.
    void add_starting(Generation next) { starting_.emplace(std::move(next)); }
    /// Makes the starting generation the current one, and retires the one before.
    void promote_starting();
    /// Retires the starting generation, if any: its zygote exits once it is ready.
    void drop_starting();
    /// Retires the current generation, if any. Then no zygote takes new connections.
    void retire();

    /// Adds the channels of all generations to the set, and when `see_to_stalls` is due.
    void watch(sys::PollSet& set);
    /// Reads the messages of all generations if the wait found some. Call after each `watch`.
    void receive_ready(const sys::PollSet& set);

    /// Sees to the generations whose connections nobody takes. Call after each `watch`.
    void see_to_stalls(sys::Log& log);

    /// Connections being served, by every generation and by orphans.
    std::size_t connections() const;

    /// Sends every zygote another descriptor for its log.
    void change_log(int log);

    /// Has undecided connections ended: those that the ledger has too many of.
    void end_excess();

    enum class End {
        Other,     ///< an orphan, a spare of a dead zygote, or another child of the daemon
        Starting,  ///< the zygote that was to take over; its generation is dropped
        Current,   ///< connections wait until it is replaced
        Retired,   ///< nothing to do
    };
    /// Updates the counts for a child that ended, and returns what it was.
    End on_child_end(const sys::Ended& child);

    /// Returns how many children the daemon has, as far as they are counted here.
    std::size_t children() const { return zygotes() + orphans_; }
    /// Corrects the number of orphans, which may be too large, by the children that there are. Reads a
    /// file of /proc that is as long as they are many. Call it when the end of every child that has
    /// ended was reported.
    /// @param others  children that are neither zygotes nor orphans
    void recount_orphans(std::size_t others);

    /// Returns the connections that no dispatcher had taken when a zygote died, oldest first; each
    /// once.
    std::vector<Delivery> take_untaken() { return std::exchange(untaken_, {}); }

    // For an upgrade (state.h). None may be starting, and `take_untaken` must have been called.
    void append_to(StateWriter& state) const;
    void take_from(StateReader& state);

  private:
    void receive();
    /// Calls `take` with each generation.
    template <typename Self, typename Take>
    static void for_each(Self& self, Take take) {
        if (self.starting_) take(*self.starting_);
        if (self.current_) take(*self.current_);
        for (auto& generation : self.retired_) take(generation);
    }
    void bury(Generation& dead);
    std::size_t zygotes() const;

    Accounts& accounts_;
    std::optional<Generation> starting_;
    std::optional<Generation> current_;
    std::vector<Generation> retired_;
    std::size_t orphans_ = 0;
    std::vector<Delivery> untaken_;
    std::vector<sys::PollSet::Handle> watched_;
};

}  // namespace portsplit::daemon
