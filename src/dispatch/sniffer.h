#pragma once
// Sniffers: processes that look at the first bytes of clients for dispatchers that start programs. Such a dispatcher
// cannot be confined, because a program inherits what its process may not do. So it looks at no byte that is more
// than compared; a confined process does, and says what it found.
//
// How it works. The zygote forks the parent of all sniffers, which confines itself and keeps spare ones, each
// blocked in recvmsg(2) on one channel. A dispatcher sends one end of a pair of sockets there, which the kernel gives
// to one spare, and then the client's socket over the pair. The sniffer answers its requests until the dispatcher
// closes the pair, and exits. It has nothing else of its own or of others: no target, no file, no log.

#include <sys/types.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "core/entrance.h"
#include "core/plan.h"
#include "dispatch/progress.h"
#include "dispatch/proxy_in.h"
#include "dispatch/sniffer_message.h"
#include "sys/become.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/log.h"

namespace portsplit::dispatch {

/// Returns true if a dispatcher of a plan should not look at the bytes itself: a service starts a program, and the
/// dispatcher is root, or more than patterns of fixed length is asked of the bytes.
/// @param is_root  the dispatcher
bool needs_sniffers(const core::Plan& plan, bool is_root);

/// Returns whom a sniffer of root becomes: who serves, or if that is root a user without rights; none if this process
/// is no root.
/// @param config  with numbers of users (sys/run_as.h)
std::optional<sys::User> sniffing_user(const core::Config& config);

/// What looks at the bytes of one client. For its dispatcher.
class Sniffer {
  public:
    /// Takes the next sniffer. Both descriptors stay open and borrowed.
    /// @param sniffers  the channel to them
    static sys::Result<Sniffer> take(int sniffers, int client);
    /// Forks one for this process alone. It confines itself as the configuration says; without that it looks at
    /// nothing if the configuration requires it.
    static sys::Result<Sniffer> fork(const core::Plan& plan, int client);

    // As the functions of dispatch/proxy_in.h, dispatch/sniff.h and dispatch/read_ahead.h. Code EPROTO if the sniffer
    // said what cannot be, ECHILD if it ended without an answer: both mean that it was compromised, or killed.

    sys::Result<HeaderRead> read_header(sys::Clock::time_point deadline, Reporter& reporter);
    sys::Result<Looked> sniff(const core::Plan& plan, const core::Entrance& entrance,
                              sys::Clock::time_point deadline, Reporter& reporter);
    sys::Result<Looked> read_ahead(const core::Plan& plan, const core::Entrance& entrance,
                                   sys::Clock::time_point deadline, Reporter& reporter);

  private:
    explicit Sniffer(sys::UniqueFd pair) : pair_(std::move(pair)) {}
    sys::Result<Looked> look(SnifferRequest::Kind kind, const core::Plan& plan,
                             const core::Entrance& entrance, sys::Clock::time_point deadline,
                             Reporter& reporter);
    sys::Result<std::vector<std::byte>> ask(const SnifferRequest& request, Reporter& reporter);

    sys::UniqueFd pair_;
};

/// Answers the requests of one dispatcher about its client, until it closes the pair.
void serve_as_sniffer(sys::UniqueFd pair, const core::Plan& plan, int client);

}  // namespace portsplit::dispatch
