#pragma once
// All generations of a daemon: the one that takes connections, those that end with their last one,
// and the dispatchers whose zygote died.

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/generation.h"
#include "sys/process.h"

namespace portsplit::daemon {

class Generations {
  public:
    /// Null while there is none: before the first, and after a zygote died.
    Generation* current() { return current_ ? &*current_ : nullptr; }

    /// Lets a new generation take the connections from now on; the old one is retired.
    void change_to(Generation next);
    /// Lets nobody take them any more.
    void retire();

    /// Takes the messages of all of them.
    void receive();
    /// The channels to poll for messages, that of `current` first.
    std::vector<int> channels() const;

    /// Connections being served, in every generation.
    std::size_t connections() const;

    enum class End {
        None,     ///< the process was no zygote
        Retired,  ///< as it should
        Current,  ///< it died: connections wait until it is replaced
    };
    /// Takes note of a child that ended. The dispatchers of a zygote that died live on, as children
    /// of this process; each is counted until it ends. Its spare dispatchers end at once.
    /// @param others  zygotes that are not among these generations yet
    End on_child_end(const sys::Ended& child, std::size_t others);

    /// The connections that zygotes left untaken when they died, oldest first.
    std::vector<Delivery> take_untaken() { return std::exchange(untaken_, {}); }

  private:
    void bury(Generation& dead);
    std::size_t other_children(std::size_t others) const;

    std::optional<Generation> current_;
    std::vector<Generation> retired_;
    std::size_t orphans_ = 0;
    std::vector<Delivery> untaken_;
};

}  // namespace portsplit::daemon
