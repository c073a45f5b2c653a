#pragma once
// Confines the processes that look at bytes of clients: after this they, and all that they fork, can only do what
// the plan needs. Done once for a generation, in its zygote; the forks inherit it at no cost.
//
// A dispatcher that may start a program is not confined: a filter of calls cannot be left, and nobody knows what a
// program needs. There sniffers look at the bytes (dispatch/sniffer.h), and they are; and a dispatcher that will relay
// confines itself once that is known.

#include <optional>
#include <string>

#include "core/model.h"
#include "dispatch/allowed_calls.h"
#include "sys/become.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/landlock.h"
#include "sys/log.h"

namespace portsplit::dispatch {

/// How many descriptors a dispatcher may have: c-ares has the most, two for each name server.
inline constexpr unsigned kMostDescriptors = 64;

/// Where the log goes: syslog is connected to again when it was restarted.
enum class LogTo { Descriptor, Syslog };

/// What the kernel has for it.
struct Means {
    bool filter = false;  ///< of system calls, see sys/seccomp.h
    int landlock = 0;     ///< its version; 0 for none

    /// Asks the kernel. Forks if this process has a filter already.
    static Means of_kernel();
};

/// Returns the first service that starts a program; null if none does.
const core::Service* first_program(const core::Config& config);

/// Returns what a configuration needs, but for the descriptors.
/// @param listeners  that this server has: a target may lead back to them
Work work_for(const core::Config& config, const core::List<core::Endpoint>& listeners);

/// Returns what a configuration must reach.
sys::Reach reach_for(const core::Config& config);

/// What became of it.
struct Confinement {
    bool is_refused = false;  ///< `required`, and the kernel lacks a part: the process must end
    bool has_filter = false;
    std::string report;  ///< a line for the log; empty: nothing to say
    sys::Level level = sys::Level::Info;
};

/// Puts /dev/null, which descriptor 1 is, in the place of standard error: that may be the log. Not where sanitizers
/// report there.
void leave_standard_error();

/// What a dispatcher gives up before it relays, where others start programs: they cannot have a filter of system calls,
/// for a program may need any, so there is one set of rules of Landlock for all relays. Prepared once, entered by each
/// for a few microseconds.
class RelaySandbox {
  public:
    static RelaySandbox prepare(const core::Config& config, Means means = Means::of_kernel());

    /// Returns false if there is nothing to give up.
    bool is_on() const { return is_on_; }
    /// What it is, for the log.
    const Confinement& confinement() const { return confinement_; }
    /// The descriptor of the rules, which dispatchers keep; -1 without them.
    int rules() const { return rules_.get(); }
    /// Gives up all capabilities, rights by execve(2), forks, files, ports that are no target's, and signals to others.
    sys::Result<sys::Done> enter() const;

  private:
    bool is_on_ = false;
    sys::UniqueFd rules_;
    Confinement confinement_;
};

/// Confines this process for ever, as far as `sandbox` and the kernel let it. It has one thread.
Confinement confine(const core::Config& config, const Work& work, Means means = Means::of_kernel());

/// Becomes a user first. If that fails, the process must end.
Confinement confine_as(const std::optional<sys::User>& user, const core::Config& config,
                       const Work& work);

}  // namespace portsplit::dispatch
