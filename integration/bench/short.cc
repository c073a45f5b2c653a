#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <vector>

#include "load.h"
#include "net.h"
#include "samples.h"

namespace bench {
namespace {

struct Connection {
    UniqueFd fd;
    Clock::time_point begun;
    bool asked = false;
    bool answered = false;
};

class ShortConnections {
  public:
    explicit ShortConnections(const Order& order)
        : order_(order),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)),
          connections_(order.at_once),
          buffer_(262144) {
        if (!epoll_) give_up("cannot make an epoll descriptor");
    }

    void run() {
        const auto begun = Clock::now();
        const auto end = begun + order_.time;
        for (std::size_t i = 0; i < connections_.size(); ++i) open(i);
        for (auto now = begun; now < end; now = Clock::now()) wait(end - now);
        elapsed_ = Clock::now() - begun;
    }

    void print() {
        const double time = seconds(elapsed_);
        std::printf("{\"rate\":%.1f,\"connections\":%zu,\"errors\":%zu,\"gbit_s\":%.3f",
                    static_cast<double>(complete_) / time, complete_, errors_,
                    static_cast<double>(bytes_) * 8e-9 / time);
        first_byte_.print();
        std::puts("}");
    }

  private:
    void open(std::size_t index) {
        Connection& connection = connections_[index];
        connection = {.fd = new_socket(SOCK_NONBLOCK), .begun = Clock::now()};
        const int fd = connection.fd.get();
        if (::connect(fd, generic(order_.where), sizeof order_.where) < 0 && errno != EINPROGRESS) {
            give_up("cannot connect");
        }
        // On loopback the connection is established when connect(2) returns EINPROGRESS.
        ask(connection);
        epoll_event event{.events = connection.asked ? EPOLLIN : EPOLLIN | EPOLLOUT,
                          .data = {.u64 = index}};
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) give_up("cannot watch");
    }

    void ask(Connection& connection) {
        const int fd = connection.fd.get();
        if (::send(fd, order_.request.data(), order_.request.size(), MSG_NOSIGNAL) < 0) return;
        connection.asked = true;
        if (order_.half_close) ::shutdown(fd, SHUT_WR);
    }

    void wait(Clock::duration limit) {
        std::array<epoll_event, 64> events;
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
        const int ready = retry([&] {
            return ::epoll_wait(epoll_.get(), events.data(), events.size(), static_cast<int>(ms));
        });
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            look(event.data.u64, event.events);
        }
    }

    void look(std::size_t index, std::uint32_t events) {
        Connection& connection = connections_[index];
        if (!connection.asked) {
            ask(connection);
            epoll_event event{.events = EPOLLIN, .data = {.u64 = index}};
            ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.fd.get(), &event);
        }
        if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
        const ssize_t got = ::recv(connection.fd.get(), buffer_.data(), buffer_.size(), 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got > 0) {
            if (!connection.answered) first_byte_.add(Clock::now() - connection.begun);
            connection.answered = true;
            bytes_ += static_cast<std::uint64_t>(got);
            return;
        }
        // Only EOF after an answer is success.
        ++(got == 0 && connection.answered ? complete_ : errors_);
        open(index);
    }

    const Order& order_;
    UniqueFd epoll_;
    std::vector<Connection> connections_;
    std::vector<char> buffer_;
    std::size_t complete_ = 0;
    std::size_t errors_ = 0;
    std::uint64_t bytes_ = 0;
    Samples first_byte_;
    Clock::duration elapsed_{};
};

}  // namespace

int run_short(const Order& order) {
    ShortConnections connections(order);
    connections.run();
    connections.print();
    return 0;
}

}  // namespace bench
