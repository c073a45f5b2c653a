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
//   asking    sends Ready; after the first connection, a Decided that claims too many, and three Questions: about
//             a connection that it does not have, for a service that does not exist, and for one with limits;
//             after each Answer that says yes one Reaped, after one that says no three
//   crashing  sends Ready; after each connection a Reaped that says that its dispatcher has crashed
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
    if (mode == "nonsense" || mode == "generous" || mode == "asking") {
        handoff::Handover first;
        (void)!::read(kChannelFd, &first, sizeof first);
    }
    if (mode == "nonsense") {
        send(std::uint32_t{4711});
        send(handoff::Reaped{});
        // The first byte of Kind::Reaped: the other three are still in a buffer that is used again.
        send(std::uint8_t{3});
    }
    if (mode == "crashing") {
        handoff::Handover one;
        while (::read(kChannelFd, &one, sizeof one) > 0) {
            send(handoff::Reaped{.cause = handoff::Reaped::Cause::Crash, .id = one.id});
        }
        return 0;
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
    if (mode == "asking") {
        send(handoff::Decided{.count = 1'000'000});
        // About a connection of another generation; it has no answer.
        send(handoff::Question{.service = 0, .id = 3});
        for (const std::int32_t service : {4711, 0}) {
            send(handoff::Question{.service = service, .id = 1});
            handoff::Answer answer;
            (void)!::read(handoff::kOrdersFd, &answer, sizeof answer);
            const int count = answer.refusal == 0 ? 1 : 3;
            for (int i = 0; i < count; ++i) send(handoff::Reaped{.id = 4711});
        }
    }
    if (mode == "generous") {
        for (int i = 0; i < 3; ++i) send(handoff::Reaped{});
    }
    pollfd channel{.fd = kChannelFd, .events = POLLRDHUP, .revents = 0};
    while (::poll(&channel, 1, -1) < 0) continue;
    return 0;
}
