#include "dispatch/await.h"

#include <array>

#include "sys/error.h"

namespace portsplit::dispatch {

int await(pollfd& client, const Reporter& reporter, sys::Clock::time_point until) {
    // poll(2) ignores a negative descriptor.
    std::array<pollfd, 2> entries{
        {client, {.fd = reporter.abandoned(), .events = POLLIN, .revents = 0}}};
    const int ready = sys::retry(
        [&] { return ::poll(entries.data(), entries.size(), sys::poll_timeout(until)); });
    client.revents = entries[1].revents != 0 ? POLLERR : entries[0].revents;
    return ready;
}

}  // namespace portsplit::dispatch
