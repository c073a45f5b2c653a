#pragma once
// Many connections at the same time that send a request and read the answer, for `short` and `paced`.

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "load.h"
#include "net.h"
#include "samples.h"

namespace bench {

/// A complete connection ended with EOF after an answer. A failed one ended in another way.
enum class State { Open, Complete, Failed };

/// Connections with the numbers from 0 on, and an epoll descriptor (epoll(7)) that watches them.
class Connections {
  public:
    Connections(const Order& order, std::size_t count)
        : order_(order),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)),
          connections_(count),
          buffer_(262144) {
        if (!epoll_) give_up("cannot make an epoll descriptor");
    }

    /// Connects and sends the request. Closes an earlier connection with this number.
    /// @param due  the time to the first byte counts from here, by default from connect(2)
    void open(std::size_t number, std::optional<Clock::time_point> due = {}) {
        Connection& connection = connections_[number];
        connection = {.fd = new_socket(order_.where.family(), SOCK_NONBLOCK),
                      .begun = due.value_or(Clock::now())};
        const int fd = connection.fd.get();
        if (::connect(fd, order_.where.get(), order_.where.size) < 0 && errno != EINPROGRESS) {
            give_up("cannot connect");
        }
        // On loopback it is established when connect(2) returns, unless the accept queue is full.
        ask(connection);
        watch(fd, number, connection.asked ? EPOLLIN : EPOLLIN | EPOLLOUT);
    }

    /// Watches a descriptor of the caller, too. `number` must not be that of a connection.
    void watch(int fd, std::size_t number, std::uint32_t events, int how = EPOLL_CTL_ADD) {
        epoll_event event{.events = events, .data = {.u64 = number}};
        if (::epoll_ctl(epoll_.get(), how, fd, &event) < 0) give_up("cannot watch");
    }

    /// Waits at most `limit`, and calls `handle` with the number of each descriptor that is ready.
    template <typename Handle>
    void wait(Clock::duration limit, Handle handle) {
        std::array<epoll_event, 64> events;
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
        const int ready = retry([&] {
            return ::epoll_wait(epoll_.get(), events.data(), events.size(), static_cast<int>(ms));
        });
        for (int i = 0; i < ready; ++i) handle(events[static_cast<std::size_t>(i)].data.u64);
    }

    /// Reads from a connection that is ready.
    State read(std::size_t number) {
        Connection& connection = connections_[number];
        const int fd = connection.fd.get();
        if (!connection.asked) {
            ask(connection);
            watch(fd, number, EPOLLIN, EPOLL_CTL_MOD);
        }
        const ssize_t got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
        if (got < 0 && errno == EAGAIN) return State::Open;
        if (got > 0) {
            if (!connection.answered) first_byte_.add(Clock::now() - connection.begun);
            connection.answered = true;
            bytes_ += static_cast<std::uint64_t>(got);
            return State::Open;
        }
        return got == 0 && connection.answered ? State::Complete : State::Failed;
    }

    void close(std::size_t number) { connections_[number].fd.reset(); }

    Samples& first_byte() { return first_byte_; }
    std::uint64_t bytes() const { return bytes_; }

  private:
    struct Connection {
        UniqueFd fd;
        Clock::time_point begun;
        bool asked = false;
        bool answered = false;
    };

    void ask(Connection& connection) {
        const int fd = connection.fd.get();
        if (::send(fd, order_.request.data(), order_.request.size(), MSG_NOSIGNAL) < 0) return;
        connection.asked = true;
        if (order_.half_close) ::shutdown(fd, SHUT_WR);
    }

    const Order& order_;
    UniqueFd epoll_;
    std::vector<Connection> connections_;
    std::vector<char> buffer_;
    std::uint64_t bytes_ = 0;
    Samples first_byte_;
};

}  // namespace bench
