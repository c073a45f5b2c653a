// A zygote without spares, for tests of the daemon. The last part of its FILE argument is its mode.
// Exits when the daemon shuts or closes the channel.
//
//   ready     sends Ready
//   silent    sends nothing
//   dead      exits with 1 at once
//   nonsense  sends Ready; after the first connection, one Reaped among messages that are not in
//             handoff.h
//   taking    sends Ready; takes every connection, and answers nothing
//   killing   sends Ready; asks that its parent is killed, and then a child of its own; when that one has
//             ended by SIGKILL, three Reaped
//   generous  sends Ready; after the first connection, three Reaped

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <string_view>

#include "handoff.h"

namespace {

using portsplit::handoff::kChannelFd;

template <typename Message>
void send(const Message& message) {
    (void)!::write(kChannelFd, &message, sizeof message);
}

}  // namespace

int main(int argc, char** argv) {
    namespace handoff = portsplit::handoff;
    std::string_view mode = argc == 5 ? argv[4] : "dead";
    mode.remove_prefix(mode.rfind('/') + 1);
    if (mode == "dead") return 1;
    if (mode != "silent") send(handoff::Ready{});
    if (mode == "nonsense" || mode == "generous") {
        handoff::Handover first;
        (void)!::read(kChannelFd, &first, sizeof first);
    }
    if (mode == "nonsense") {
        send(std::uint32_t{4711});
        send(handoff::Reaped{});
        // The first byte of Kind::Reaped: the other three are still in a buffer that is used again.
        send(std::uint8_t{3});
    }
    if (mode == "taking") {
        handoff::Handover one;
        while (::read(kChannelFd, &one, sizeof one) > 0) continue;
        return 0;
    }
    if (mode == "killing") {
        const pid_t child = ::fork();
        if (child == 0) {
            while (true) ::pause();
        }
        send(handoff::Kill{.child = ::getppid()});
        send(handoff::Kill{.child = child});
        int status = 0;
        ::waitpid(child, &status, 0);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) mode = "generous";
    }
    if (mode == "generous") {
        for (int i = 0; i < 3; ++i) send(handoff::Reaped{});
    }
    pollfd channel{.fd = kChannelFd, .events = POLLRDHUP, .revents = 0};
    while (::poll(&channel, 1, -1) < 0) continue;
    return 0;
}
