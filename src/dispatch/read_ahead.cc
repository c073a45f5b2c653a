#include "dispatch/read_ahead.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "dispatch/await.h"

namespace portsplit::dispatch {

using sys::Clock;

sys::Result<core::Decided> read_ahead(int client, const core::Plan& plan,
                                      const core::Entrance& entrance, Clock::time_point deadline,
                                      std::vector<std::byte>& bytes, Reporter& reporter) {
    core::Ending ending = core::Ending::Open;
    core::Plan::Reading reading(plan, entrance);
    while (true) {
        auto decided = core::decide_and_pass(plan, bytes, ending, reading);
        if (decided) return *std::move(decided);
        reporter.about_to_block();
        pollfd entry{.fd = client, .events = POLLIN, .revents = 0};
        const int ready = await(entry, reporter, deadline);
        if (ready < 0) return sys::SysError{errno, "cannot wait for a client"};
        if (ready == 0) {
            ending = core::Ending::Deadline;
            continue;
        }
        if ((entry.revents & POLLERR) != 0) {
            ending = core::Ending::Eof;
            continue;
        }
        // An undecided plan has not seen its whole window, so there is room.
        const std::size_t seen = bytes.size();
        bytes.resize(plan.window());
        const ssize_t got =
            sys::retry([&] { return ::read(client, bytes.data() + seen, bytes.size() - seen); });
        const int code = errno;
        bytes.resize(seen + (got > 0 ? static_cast<std::size_t>(got) : 0));
        if (got < 0 && code != EAGAIN) return sys::SysError{code, "cannot read from a client"};
        if (got == 0) ending = core::Ending::Eof;
    }
}

}  // namespace portsplit::dispatch
