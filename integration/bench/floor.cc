// floor HOST:PORT relay|relay-unwaited HOST:PORT
// floor HOST:PORT exec PROGRAM [ARGUMENT...]
//
// The least cost of one process for each connection: accept, fork, then connect and splice both ways, or
// execute a program on the socket. It does not inspect, decide, log or limit. The bench compares Portsplit
// with it.
//
// It reaps its children, so that their CPU time is counted. waitpid(-1) goes through all children, which
// is slow with thousands; with `relay-unwaited` the kernel reaps them.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <array>
#include <string_view>

#include "net.h"

namespace bench {
namespace {

constexpr std::size_t kPipeSize = 65536;

/// One direction: bytes from a socket to a socket through a pipe.
class Direction {
  public:
    Direction(int from, int to) : from_(from), to_(to) {}

    pollfd entry() const {
        if (ended_) return {.fd = -1, .events = 0, .revents = 0};
        const bool reads = held_ == 0;
        return {.fd = reads ? from_ : to_,
                .events = static_cast<short>(reads ? POLLIN : POLLOUT),
                .revents = 0};
    }

    /// Moves bytes until it would block.
    void pump() {
        while (!ended_) {
            if (held_ == 0 && !fill()) return;
            if (held_ > 0 && !drain()) return;
        }
    }

    bool ended() const { return ended_; }

  private:
    static constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

    bool fill() {
        if (!pipe_[0]) {
            int ends[2];
            if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) give_up("cannot make a pipe");
            pipe_[0].reset(ends[0]);
            pipe_[1].reset(ends[1]);
        }
        const ssize_t got = ::splice(from_, nullptr, pipe_[1].get(), nullptr, kPipeSize, kFlags);
        if (got < 0 && errno == EAGAIN) return false;
        if (got > 0) {
            held_ = static_cast<std::size_t>(got);
        } else {
            ::shutdown(to_, SHUT_WR);
            ended_ = true;
        }
        return true;
    }

    bool drain() {
        const ssize_t put = ::splice(pipe_[0].get(), nullptr, to_, nullptr, held_, kFlags);
        if (put < 0 && errno == EAGAIN) return false;
        if (put < 0) ended_ = true;
        if (put > 0) held_ -= static_cast<std::size_t>(put);
        return true;
    }

    int from_;
    int to_;
    std::array<UniqueFd, 2> pipe_;
    std::size_t held_ = 0;
    bool ended_ = false;
};

void make_nonblocking(int fd) {
    const int on = 1;
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

[[noreturn]] void relay(int client, const std::string& target) {
    const Address address = address_of(target);
    const UniqueFd server = new_socket(address.family(), 0);
    if (::connect(server.get(), address.get(), address.size) < 0) ::_exit(111);
    make_nonblocking(client);
    make_nonblocking(server.get());
    Direction up(client, server.get());
    Direction down(server.get(), client);
    while (true) {
        up.pump();
        down.pump();
        if (up.ended() && down.ended()) ::_exit(0);
        std::array<pollfd, 2> entries{up.entry(), down.entry()};
        ::poll(entries.data(), entries.size(), -1);
    }
}

[[noreturn]] void exec(int client, char** command) {
    ::dup2(client, STDIN_FILENO);
    ::dup2(client, STDOUT_FILENO);
    ::execv(command[0], command);
    ::_exit(127);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    using bench::UniqueFd;
    const std::string_view action = argc > 3 ? argv[2] : "";
    const bool waits = action != "relay-unwaited";
    if (waits && action != "relay" && action != "exec") {
        std::fputs(
            "usage: floor HOST:PORT relay|relay-unwaited HOST:PORT\n"
            "       floor HOST:PORT exec PROGRAM [ARGUMENT...]\n",
            stderr);
        return 64;
    }
    if (!waits) ::signal(SIGCHLD, SIG_IGN);
    const UniqueFd listener = bench::listen_on(argv[1], 0);
    while (true) {
        const UniqueFd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!client) continue;
        const pid_t pid = ::fork();
        if (pid == 0 && action == "exec") bench::exec(client.get(), argv + 3);
        if (pid == 0) bench::relay(client.get(), argv[3]);
        while (waits && ::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    }
}
