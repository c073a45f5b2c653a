// peer connect HOST:PORT [OPTION...] STEP...
// peer listen HOST:PORT [OPTION...] STEP...
// peer inetd HOST:PORT PROGRAM [ARGUMENT...]
// peer hole HOST:PORT
//
// A TCP peer that follows a script. `connect` carries the steps out on a connection of its own,
// `listen` on every connection it accepts, each in a process of its own; it first prints the port
// it listens on. `inetd` starts a program on every connection it accepts, as a super-server does.
// `hole` prints a port where no connection attempt is ever answered, neither yes nor no.
//
// Options:
//   --limit MS         how long a step may wait for the other side (20000)
//   --repeat N         connect N times, one after the other
//   --until FILE       connect again and again until FILE exists; prints how many times
// Steps:
//   send:TEXT  send-bytewise:TEXT  send-cut:N:TEXT  urgent:C    \xNN, \r, \n, \0 in TEXT are bytes;
//              pieces are segments, each sent when the one before is acknowledged
//   trickle:MS:TEXT                     a byte every MS milliseconds
//   acked      waits until all that was sent is acknowledged
//   expect:TEXT                         receives exactly that
//   expect-eof  expect-reset  expect-end    how the stream ends, with no byte before; -end is either
//   print      writes everything up to the end of the stream to standard output
//   echo       sends back what comes, until the end of the stream
//   hold       reads nothing until the other side ends
//   transfer:N  feed:N  drain:N         N bytes of a known stream both ways at once, out, or in
//   shutdown  reset  close              ends sending; ends all with a reset; ends all
//   say-port                            prints the own port
//   touch:FILE  wait-file:FILE          tells the test, waits for it
// The exit code is 0 when everything went as the script says.

#include <arpa/inet.h>
#include <netdb.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "script.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace {

using integration::Script;
using portsplit::sys::retry;
using portsplit::sys::UniqueFd;

struct Options {
    std::chrono::milliseconds limit{20000};
    int repeat = 1;
    std::string until;
};

[[noreturn]] void give_up(const std::string& what) {
    std::fprintf(stderr, "peer: %s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(1);
}

struct FreeAddress {
    void operator()(addrinfo* address) const { ::freeaddrinfo(address); }
};
using Address = std::unique_ptr<addrinfo, FreeAddress>;

/// A numeric HOST:PORT, an IPv6 address in brackets.
Address address_of(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    std::string host = text.substr(0, colon);
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found) != 0) {
        give_up("no address: " + text);
    }
    return Address(found);
}

/// Takes the options off the front.
Options take_options(std::span<char*>& words) {
    Options options;
    while (words.size() >= 2 && std::string_view(words[0]).starts_with("--")) {
        const std::string_view name = words[0];
        if (name == "--limit") options.limit = std::chrono::milliseconds(std::atoi(words[1]));
        if (name == "--repeat") options.repeat = std::atoi(words[1]);
        if (name == "--until") options.until = words[1];
        words = words.subspan(2);
    }
    return options;
}

bool connect_once(const std::string& where, const Options& options, std::span<char*> steps) {
    const Address address = address_of(where);
    UniqueFd fd(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd || ::connect(fd.get(), address->ai_addr, address->ai_addrlen) < 0) {
        give_up("cannot connect to " + where);
    }
    return Script(std::move(fd), options.limit).run(steps);
}

int connect(const std::string& where, std::span<char*> words) {
    const Options options = take_options(words);
    if (options.until.empty()) {
        for (int i = 0; i < options.repeat; ++i) {
            if (!connect_once(where, options, words)) return 1;
        }
        return 0;
    }
    int count = 0;
    while (::access(options.until.c_str(), F_OK) != 0) {
        if (!connect_once(where, options, words)) return 1;
        ++count;
    }
    std::printf("%d\n", count);
    return 0;
}

void say_port(const UniqueFd& listener) {
    sockaddr_in6 own{};  // the port lies at the same place in both families
    socklen_t length = sizeof own;
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&own), &length);  // sockaddr(3type)
    std::printf("%d\n", ntohs(own.sin6_port));
    std::fflush(stdout);
}

UniqueFd listen_on(const std::string& where, int backlog) {
    const Address address = address_of(where);
    UniqueFd fd(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        ::bind(fd.get(), address->ai_addr, address->ai_addrlen) < 0 ||
        ::listen(fd.get(), backlog) < 0) {
        give_up("cannot listen on " + where);
    }
    return fd;
}

/// Serves every connection in a process of its own, which ends no later than this one.
template <typename Serve>
[[noreturn]] void accept_all(const std::string& where, Serve serve) {
    const UniqueFd listener = listen_on(where, SOMAXCONN);
    say_port(listener);
    ::signal(SIGCHLD, SIG_IGN);  // nobody waits for them: a failed step is told on standard error
    while (true) {
        UniqueFd fd(
            retry([&] { return ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC); }));
        if (!fd) give_up("cannot accept");
        const pid_t pid = ::fork();
        if (pid < 0) give_up("cannot fork");
        if (pid > 0) continue;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::signal(SIGCHLD, SIG_DFL);
        ::_exit(serve(std::move(fd)));
    }
}

/// Fills the listener's own queue: Linux then drops whatever asks for a connection.
[[noreturn]] void be_hole(const std::string& where) {
    const UniqueFd listener = listen_on(where, 0);
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    auto* generic = reinterpret_cast<sockaddr*>(&own);  // sockaddr(3type)
    ::getsockname(listener.get(), generic, &length);
    std::array<UniqueFd, 4> callers;
    for (UniqueFd& caller : callers) {
        caller.reset(::socket(own.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        ::connect(caller.get(), generic, length);
    }
    say_port(listener);
    while (true) ::pause();
}

[[noreturn]] void listen(const std::string& where, std::span<char*> words) {
    const Options options = take_options(words);
    accept_all(where, [&](UniqueFd fd) {
        return Script(std::move(fd), options.limit).run(words) ? 0 : 1;
    });
}

[[noreturn]] void serve_as_inetd(const std::string& where, std::span<char*> command) {
    accept_all(where, [&](UniqueFd fd) {
        for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
            ::dup2(fd.get(), standard);
        }
        ::execv(command[0], command.data());
        return 127;
    });
}

}  // namespace

int main(int argc, char** argv) {
    // The script is the contract of every test; a closed reader must not end it.
    ::signal(SIGPIPE, SIG_IGN);
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (argc == 3 && mode == "hole") be_hole(argv[2]);
    if (argc < 4 || (mode != "connect" && mode != "listen" && mode != "inetd")) {
        std::fputs("usage: peer connect|listen|inetd|hole HOST:PORT WORD...\n", stderr);
        return 64;
    }
    std::span<char*> words(argv + 3, static_cast<std::size_t>(argc - 3));
    if (mode == "connect") return connect(argv[2], words);
    if (mode == "listen") listen(argv[2], words);
    serve_as_inetd(argv[2], std::span<char*>(argv + 3, static_cast<std::size_t>(argc - 2)));
}
