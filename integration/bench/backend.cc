// backend HOST:PORT [ANSWER]
//
// The server behind every peer. It is one small epoll loop, so that figures measure the peer and not the
// server. A line of the PROXY protocol is left out. If the first line ends in `/short`, it sends a short fixed answer and EOF. Otherwise it echoes
// everything, that line included, until EOF.
//
// With ANSWER, it sends this text and EOF as soon as the first bytes come, and drops all that the client
// sends.

#include <signal.h>
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net.h"

namespace bench {
namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n";

struct Connection {
    UniqueFd fd;
    std::string line;    ///< the first line so far
    std::string unsent;  ///< while not empty, the loop reads nothing more
    bool waits = false;  ///< true while the send buffer is full
    bool echoes = false;
    bool answered = false;  ///< with a fixed answer
};

class Backend {
  public:
    /// @param answer  the fixed answer, or empty
    Backend(const std::string& where, std::string answer)
        : answer_(std::move(answer)),
          listener_(listen_on(where, SOCK_NONBLOCK)),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        watch(listener_.get());
    }

    [[noreturn]] void run() {
        std::array<epoll_event, 64> events;
        while (true) {
            const int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
            for (int i = 0; i < ready; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == listener_.get()) {
                    accept();
                    continue;
                }
                Connection& connection = connections_[static_cast<std::size_t>(fd)];
                if (!serve(connection)) connection.fd.reset();
            }
        }
    }

  private:
    void watch(int fd, int how = EPOLL_CTL_ADD, std::uint32_t what = EPOLLIN) {
        epoll_event event{.events = what, .data = {.fd = fd}};
        if (::epoll_ctl(epoll_.get(), how, fd, &event) < 0) give_up("cannot watch");
    }

    void accept() {
        while (true) {
            UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (!fd) return;
            const int on = 1;
            ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            const auto index = static_cast<std::size_t>(fd.get());
            if (index >= connections_.size()) connections_.resize(index + 1);
            Connection& connection = connections_[index];
            connection = {.fd = std::move(fd), .line = {}, .unsent = {}};
            watch(connection.fd.get());
            // Most clients have sent already, which saves an epoll_wait(2).
            if (!serve(connection)) connection.fd.reset();
        }
    }

    /// @returns false if the connection is to be closed
    bool serve(Connection& connection) {
        const int fd = connection.fd.get();
        if (!connection.unsent.empty())
            return send(connection, std::exchange(connection.unsent, {}));
        const ssize_t got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
        if (got < 0 && errno == EAGAIN) return true;
        return got > 0 && answer(connection, {buffer_.data(), static_cast<std::size_t>(got)});
    }

    /// @returns false if the connection is to be closed
    bool answer(Connection& connection, std::string_view bytes) {
        if (!answer_.empty()) return answer_once(connection);
        if (connection.echoes) return send(connection, bytes);
        connection.line += bytes;
        std::size_t end = connection.line.find('\n');
        if (end != std::string::npos && connection.line.starts_with("PROXY ")) {
            connection.line.erase(0, end + 1);
            end = connection.line.find('\n');
        }
        if (end == std::string::npos) return true;
        if (std::string_view(connection.line).substr(0, end).ends_with("/short")) {
            send(connection, kAnswer);
            return false;
        }
        connection.echoes = true;
        return send(connection, connection.line);
    }

    /// The connection stays open until the client's EOF: to close it with unread bytes would reset it.
    bool answer_once(Connection& connection) {
        if (std::exchange(connection.answered, true)) return true;
        return send(connection, answer_) && ::shutdown(connection.fd.get(), SHUT_WR) == 0;
    }

    /// Sends without blocking, and keeps the rest until the send buffer has room.
    /// @returns false if the connection is to be closed
    bool send(Connection& connection, std::string_view bytes) {
        const int fd = connection.fd.get();
        const ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN) return false;
        bytes.remove_prefix(put < 0 ? 0 : static_cast<std::size_t>(put));
        const bool waited = connection.waits;
        connection.unsent = bytes;
        connection.waits = !bytes.empty();
        if (connection.waits != waited) watch(fd, EPOLL_CTL_MOD, waited ? EPOLLIN : EPOLLOUT);
        return true;
    }

    std::string answer_;
    UniqueFd listener_;
    UniqueFd epoll_;
    std::vector<Connection> connections_;  ///< by descriptor
    std::array<char, 65536> buffer_;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    if (argc != 2 && argc != 3) {
        std::fputs("usage: backend HOST:PORT [ANSWER]\n", stderr);
        return 64;
    }
    ::signal(SIGPIPE, SIG_IGN);
    bench::Backend(argv[1], argc == 3 ? argv[2] : "").run();
}
