// probe [--echo] [--file PATH] [ARGUMENT...]
//
// A program for a service to start. It prints a report of the state in which it was started: descriptors,
// arguments, environment, peer, terminal, signals, process and user, a line each, and `end`. The report
// goes to descriptor 1, or with --file to a file. With --echo it then sends back what it reads.

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

namespace {

std::string kind_of(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) < 0) return "bad";
    if (S_ISSOCK(status.st_mode)) return "socket";
    if (S_ISFIFO(status.st_mode)) return "pipe";
    if (S_ISREG(status.st_mode)) return "file";
    if (::isatty(fd) != 0) return "terminal";
    if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)) return "null";
    return "other";
}

std::string access_of(int flags) {
    switch (flags & O_ACCMODE) {
        case O_RDONLY:
            return "read";
        case O_WRONLY:
            return "write";
        default:
            return "both";
    }
}

/// Prints `fd N: KIND ACCESS blocking|nonblocking` for every open descriptor, in order.
void report_descriptors(std::ostream& out) {
    std::map<int, std::string> lines;
    DIR* folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return;
    while (const dirent* entry = ::readdir(folder)) {
        if (entry->d_name[0] == '.') continue;
        const int fd = std::atoi(entry->d_name);
        if (fd == ::dirfd(folder)) continue;
        const int flags = ::fcntl(fd, F_GETFL);
        lines[fd] = kind_of(fd) + " " + access_of(flags) +
                    ((flags & O_NONBLOCK) != 0 ? " nonblocking" : " blocking");
    }
    ::closedir(folder);
    for (const auto& [fd, line] : lines) out << "fd " << fd << ": " << line << '\n';
}

void report_socket(std::ostream& out) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    auto* generic = reinterpret_cast<sockaddr*>(&storage);  // sockaddr(3type)
    if (::getpeername(STDIN_FILENO, generic, &length) < 0) return;
    std::array<char, INET6_ADDRSTRLEN> host{};
    int port = 0;
    if (storage.ss_family == AF_INET6) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
        ::inet_ntop(AF_INET6, &v6->sin6_addr, host.data(), host.size());
        port = ntohs(v6->sin6_port);
    } else {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
        ::inet_ntop(AF_INET, &v4->sin_addr, host.data(), host.size());
        port = ntohs(v4->sin_port);
    }
    out << "peer=" << host.data() << ' ' << port << '\n';
    const auto option = [](int level, int name) {
        int value = 0;
        socklen_t size = sizeof value;
        ::getsockopt(STDIN_FILENO, level, name, &value, &size);
        return value;
    };
    out << "lowat=" << option(SOL_SOCKET, SO_RCVLOWAT) << '\n';
    out << "keepalive=" << option(SOL_SOCKET, SO_KEEPALIVE) << ' '
        << option(IPPROTO_TCP, TCP_KEEPIDLE) << ' ' << option(IPPROTO_TCP, TCP_KEEPINTVL) << ' '
        << option(IPPROTO_TCP, TCP_KEEPCNT) << '\n';
    out << "nodelay=" << option(IPPROTO_TCP, TCP_NODELAY) << '\n';
    out << "user-timeout=" << option(IPPROTO_TCP, TCP_USER_TIMEOUT) << '\n';
}

void report_terminal(std::ostream& out) {
    const int controlling = ::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    out << "controlling=" << (controlling >= 0 ? "yes" : "no") << '\n';
    if (controlling >= 0) ::close(controlling);
    termios settings{};
    if (::tcgetattr(STDIN_FILENO, &settings) < 0) return;
    out << "foreground=" << (::tcgetpgrp(STDIN_FILENO) == ::getpgrp() ? "yes" : "no") << '\n';
    const bool cooked = (settings.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) != 0 ||
                        (settings.c_oflag & OPOST) != 0 ||
                        (settings.c_iflag & (ICRNL | IXON | ISTRIP)) != 0;
    out << "mode=" << (cooked ? "cooked" : "raw") << '\n';
    winsize size{};
    ::ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
    out << "size=" << size.ws_row << 'x' << size.ws_col << '\n';
}

void report_signals(std::ostream& out) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        for (const std::string_view key : {"SigBlk:", "SigIgn:", "SigCgt:"}) {
            if (!line.starts_with(key)) continue;
            out << key.substr(0, key.size() - 1) << '='
                << line.substr(line.find_first_not_of(" \t", key.size())) << '\n';
        }
    }
}

void report_user(std::ostream& out) {
    out << "uid=" << ::getuid() << ' ' << ::geteuid() << '\n';
    out << "gid=" << ::getgid() << ' ' << ::getegid() << '\n';
    std::array<gid_t, 64> groups{};
    const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    out << "groups=";
    for (int i = 0; i < count; ++i)
        out << (i > 0 ? " " : "") << groups[static_cast<std::size_t>(i)];
    out << '\n';
    const gid_t root = 0;
    const bool regained = ::geteuid() != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0 ||
                                               ::setgid(0) == 0 || ::setgroups(1, &root) == 0);
    out << "regain=" << (regained ? "yes" : "no") << '\n';
}

void report_process(std::ostream& out) {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    out << "umask=" << std::oct << mask << std::dec << '\n';
    std::array<char, 4096> folder{};
    if (::getcwd(folder.data(), folder.size()) != nullptr) out << "cwd=" << folder.data() << '\n';
    out << "pid=" << ::getpid() << '\n'
        << "group=" << ::getpgrp() << '\n'
        << "session=" << ::getsid(0) << '\n';
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    out << "nofile=" << files.rlim_cur << '\n';
}

void write_all(std::string_view text) {
    while (!text.empty()) {
        const ssize_t put = ::write(STDOUT_FILENO, text.data(), text.size());
        if (put <= 0) std::exit(1);
        text.remove_prefix(static_cast<std::size_t>(put));
    }
}

void echo() {
    std::array<char, 65536> buffer;
    while (true) {
        const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (got <= 0) return;
        write_all({buffer.data(), static_cast<std::size_t>(got)});
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::ostringstream report;
    report_descriptors(report);  // first, because the others open descriptors
    for (int i = 0; i < argc; ++i) report << "argv " << i << ": " << argv[i] << '\n';
    for (char** entry = environ; *entry != nullptr; ++entry) report << "env " << *entry << '\n';
    report_socket(report);
    report_terminal(report);
    report_signals(report);
    report_process(report);
    report_user(report);
    report << "end\n";

    std::string path;
    bool echoes = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--echo") echoes = true;
        if (argument == "--file" && i + 1 < argc) path = argv[i + 1];
    }
    if (path.empty()) {
        write_all(report.str());
    } else {
        std::ofstream(path) << report.str();
    }
    if (echoes) echo();
    return 0;
}
