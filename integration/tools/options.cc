// options PID
//
// Prints the options of every TCP socket of a process, a line each, in the order of their descriptors:
// `LOCAL-PORT PEER-PORT keepalive=ON IDLE INTERVAL PROBES nodelay=ON user-timeout=MS`. For a process that is not dumpable,
// such as a dispatcher, this needs CAP_SYS_PTRACE (pidfd_getfd(2)).

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

int option(int fd, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    ::getsockopt(fd, level, name, &value, &size);
    return value;
}

bool is_tcp(int fd) { return option(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP; }

/// Returns the port of an address that getsockname(2) or getpeername(2) gives; 0 if it fails.
int port(int (*name_of)(int, sockaddr*, socklen_t*), int fd) {
    sockaddr_in6 address{};  // in sockaddr_in the port is at the same place
    socklen_t size = sizeof address;
    if (name_of(fd, reinterpret_cast<sockaddr*>(&address), &size) < 0) return 0;
    return ntohs(address.sin6_port);
}

void print(int fd) {
    std::printf("%d %d keepalive=%d %d %d %d nodelay=%d user-timeout=%d\n", port(::getsockname, fd),
                port(::getpeername, fd), option(fd, SOL_SOCKET, SO_KEEPALIVE),
                option(fd, IPPROTO_TCP, TCP_KEEPIDLE), option(fd, IPPROTO_TCP, TCP_KEEPINTVL),
                option(fd, IPPROTO_TCP, TCP_KEEPCNT), option(fd, IPPROTO_TCP, TCP_NODELAY),
                option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT));
}

}  // namespace

int main(int argc, char** argv) {
    const int process =
        argc == 2 ? static_cast<int>(::syscall(SYS_pidfd_open, std::atoi(argv[1]), 0)) : -1;
    if (process < 0) {
        std::fprintf(stderr, "options: needs the pid of a process\n");
        return 1;
    }
    constexpr int kHighest = 100;
    for (int number = 0; number < kHighest; ++number) {
        const int fd = static_cast<int>(::syscall(SYS_pidfd_getfd, process, number, 0));
        if (fd < 0 && errno == EBADF) continue;
        if (fd < 0) {
            std::fprintf(stderr, "options: pidfd_getfd: %s\n", std::strerror(errno));
            return 1;
        }
        if (is_tcp(fd)) print(fd);
        ::close(fd);
    }
    return 0;
}
