// peer connect HOST:PORT [OPTION...] STEP...
// peer listen HOST:PORT [OPTION...] STEP...
// peer inetd HOST:PORT PROGRAM [ARGUMENT...]
// peer hole HOST:PORT
// peer reserve HOST:PORT
//
// A peer that follows a script of steps, over TCP. In place of HOST:PORT, unix:PATH or unix:@NAME is a Unix-domain
// socket; it has port 0.
//
//   connect   connects and runs the steps
//   listen    prints its port, accepts, and runs the steps in a process for each connection
//   inetd     prints its port, accepts, and starts the program on each connection, as a super-server
//   hole      prints a port whose connection attempts the kernel never answers
//   reserve   prints a port that the kernel gives to no other socket until this process ends, but on
//             which a socket with SO_REUSEADDR can listen
//
// Options of connect and listen:
//   --limit MS           how long a step may wait for the other side (20000)
//   --repeat N           connect N times, one after the other
//   --from HOST:PORT     connect from this address; port 0 is any
//   --protocol mptcp     connect by Multipath TCP (RFC 8684)
//   --until FILE         connect again and again until FILE exists; prints how many times
//
// Steps. In TEXT and C the escapes \xNN, \r, \n, \t, \0 and \\ are bytes.
//   send:TEXT            sends TEXT
//   send-bytewise:TEXT   sends a segment for each byte, after the one before is acknowledged
//   send-cut:N:TEXT      the same in two segments, the first of N bytes
//   trickle:MS:TEXT      sends a byte every MS milliseconds
//   urgent:C             sends the byte C as urgent data
//   acked                waits until everything sent is acknowledged
//   expect:TEXT          receives exactly TEXT
//   expect-eof           receives EOF and no byte before it
//   expect-reset         receives a reset and no byte before it
//   expect-end           receives EOF or a reset and no byte before it
//   print                copies what it receives to standard output until EOF
//   echo                 sends back what it receives until EOF
//   hold                 reads nothing, and waits for the end of the other side
//   transfer:N           sends and receives N bytes of a known stream at once (pattern.h)
//   feed:N               sends N bytes of that stream
//   drain:N              receives N bytes of that stream
//   shutdown             shuts sending down: the other side receives EOF
//   reset                closes with a reset
//   close                closes
//   say-port             prints the local port
//   touch:FILE           creates FILE, which a test waits for
//   wait-file:FILE       waits until FILE exists
//
// Exits 0 if every step succeeded. Otherwise standard error names the first step that failed.

#include <arpa/inet.h>
#include <netdb.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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
    std::string from;
    int protocol = 0;
};

[[noreturn]] void give_up(const std::string& what) {
    std::fprintf(stderr, "peer: %s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(1);
}

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address address_of_path(std::string path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) give_up("too long: " + path);
    path.copy(address.sun_path, path.size());
    if (path.starts_with('@')) address.sun_path[0] = '\0';
    Address generic;
    std::memcpy(&generic.storage, &address, sizeof address);
    generic.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    return generic;
}

/// Parses a numeric HOST:PORT, with an IPv6 address in brackets, or unix:PATH. Exits on anything else.
Address address_of(const std::string& text) {
    if (text.starts_with("unix:")) return address_of_path(text.substr(5));
    const std::size_t colon = text.rfind(':');
    std::string host = text.substr(0, colon);
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found) != 0) {
        give_up("not an address: " + text);
    }
    Address address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    ::freeaddrinfo(found);
    return address;
}

/// Parses the options and removes them from `words`.
Options take_options(std::span<char*>& words) {
    Options options;
    while (words.size() >= 2 && std::string_view(words[0]).starts_with("--")) {
        const std::string_view name = words[0];
        if (name == "--limit") options.limit = std::chrono::milliseconds(std::atoi(words[1]));
        if (name == "--repeat") options.repeat = std::atoi(words[1]);
        if (name == "--until") options.until = words[1];
        if (name == "--from") options.from = words[1];
        // Of linux/in.h, which netinet/in.h of older systems lacks.
        constexpr int kMultipath = 262;
        if (name == "--protocol") options.protocol = kMultipath;
        words = words.subspan(2);
    }
    return options;
}

bool connect_once(const std::string& where, const Options& options, std::span<char*> steps) {
    const Address address = address_of(where);
    UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, options.protocol));
    if (!options.from.empty()) {
        const Address from = address_of(options.from);
        if (::bind(fd.get(), from.get(), from.size) < 0) {
            give_up("cannot bind " + options.from);
        }
    }
    if (!fd || ::connect(fd.get(), address.get(), address.size) < 0) {
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
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&own), &length);  // sockaddr(3type)
    sockaddr_in6 internet{};  // the port has the same offset in both families
    std::memcpy(&internet, &own, sizeof internet);
    std::printf("%d\n", own.ss_family == AF_UNIX ? 0 : ntohs(internet.sin6_port));
    std::fflush(stdout);
}

UniqueFd bind_to(const std::string& where) {
    const Address address = address_of(where);
    UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        ::bind(fd.get(), address.get(), address.size) < 0) {
        give_up("cannot bind " + where);
    }
    return fd;
}

UniqueFd listen_on(const std::string& where, int backlog) {
    UniqueFd fd = bind_to(where);
    if (::listen(fd.get(), backlog) < 0) give_up("cannot listen on " + where);
    return fd;
}

/// Calls `serve` in a child process for each connection. The children die with this process.
template <typename Serve>
[[noreturn]] void accept_all(const std::string& where, Serve serve) {
    const UniqueFd listener = listen_on(where, SOMAXCONN);
    say_port(listener);
    ::signal(SIGCHLD, SIG_IGN);  // no zombies: a child reports a failed step on standard error
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

/// Fills the accept queue of its own listening socket. Linux then drops every further SYN.
[[noreturn]] void be_hole(const std::string& where) {
    const UniqueFd listener = listen_on(where, 0);
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    auto* generic = reinterpret_cast<sockaddr*>(&own);  // sockaddr(3type)
    ::getsockname(listener.get(), generic, &length);
    std::array<UniqueFd, 4> callers;
    for (UniqueFd& caller : callers) {
        caller.reset(::socket(own.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        // EINPROGRESS, also for those that are never answered.
        static_cast<void>(::connect(caller.get(), generic, length));
    }
    say_port(listener);
    while (true) ::pause();
}

/// Holds a socket that is bound and does not listen. The kernel then chooses its port for no other bind
/// to port 0 and for no outgoing connection; a connection to it is refused.
[[noreturn]] void reserve(const std::string& where) {
    const UniqueFd fd = bind_to(where);
    say_port(fd);
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
    // A step that sends to a closed connection must fail with EPIPE, and not end the process.
    ::signal(SIGPIPE, SIG_IGN);
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (argc == 3 && mode == "hole") be_hole(argv[2]);
    if (argc == 3 && mode == "reserve") reserve(argv[2]);
    if (argc < 4 || (mode != "connect" && mode != "listen" && mode != "inetd")) {
        std::fputs("usage: peer connect|listen|inetd|hole|reserve HOST:PORT WORD...\n", stderr);
        return 64;
    }
    std::span<char*> words(argv + 3, static_cast<std::size_t>(argc - 3));
    if (mode == "connect") return connect(argv[2], words);
    if (mode == "listen") listen(argv[2], words);
    serve_as_inetd(argv[2], std::span<char*>(argv + 3, static_cast<std::size_t>(argc - 2)));
}
