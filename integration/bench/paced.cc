#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <array>
#include <cstdint>
#include <vector>

#include "load.h"
#include "net.h"
#include "samples.h"

namespace bench {
namespace {

/// A connection without an answer at the end gets this long, then it counts as an error.
constexpr std::chrono::milliseconds kPatience{3000};

struct Connection {
    UniqueFd fd;
    Clock::time_point due;
    bool asked = false;
    bool answered = false;
};

class PacedConnections {
  public:
    explicit PacedConnections(const Order& order)
        : order_(order),
          gap_(std::chrono::nanoseconds(std::chrono::seconds(1)) / order.rate),
          total_(static_cast<std::size_t>(order.time / gap_)),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)),
          timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
        if (!epoll_ || !timer_) give_up("cannot make descriptors");
        watch(timer_.get(), EPOLLIN);
    }

    void run() {
        start_ = Clock::now() + gap_;
        const auto end = start_ + order_.time + kPatience;
        set_timer();
        std::array<epoll_event, 64> events;
        while (ended_ < total_ && Clock::now() < end) {
            const int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(), 100);
            for (int i = 0; i < ready; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                fd == timer_.get() ? open_those_due() : look(fd);
            }
        }
    }

    void print() {
        std::printf("{\"connections\":%zu,\"errors\":%zu", answers_.count(),
                    total_ - answers_.count());
        answers_.print();
        std::puts("}");
    }

  private:
    void watch(int fd, std::uint32_t events, int how = EPOLL_CTL_ADD) {
        epoll_event event{.events = events, .data = {.fd = fd}};
        if (::epoll_ctl(epoll_.get(), how, fd, &event) < 0) give_up("cannot watch");
    }

    /// The steady clock is CLOCK_MONOTONIC.
    void set_timer() {
        const auto parts = [](Clock::duration duration) {
            const auto whole = std::chrono::floor<std::chrono::seconds>(duration);
            return timespec{.tv_sec = whole.count(), .tv_nsec = (duration - whole).count()};
        };
        const itimerspec when{.it_interval = parts(gap_),
                              .it_value = parts(start_.time_since_epoch())};
        ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
    }

    /// A client that comes late, because this process had no CPU, still counts from when it was due.
    void open_those_due() {
        std::uint64_t expired = 0;
        if (::read(timer_.get(), &expired, sizeof expired) < 0) return;
        for (; expired > 0 && opened_ < total_; --expired, ++opened_) {
            open(start_ + gap_ * static_cast<Clock::rep>(opened_));
        }
    }

    void open(Clock::time_point due) {
        UniqueFd fd = new_socket(SOCK_NONBLOCK);
        const int number = fd.get();
        if (::connect(number, generic(order_.where), sizeof order_.where) < 0 &&
            errno != EINPROGRESS) {
            give_up("cannot connect");
        }
        const auto index = static_cast<std::size_t>(number);
        if (index >= connections_.size()) connections_.resize(index + 1);
        Connection& connection = connections_[index];
        connection = {.fd = std::move(fd), .due = due};
        // On loopback it is established already, unless the accept queue is full.
        ask(connection);
        watch(number, connection.asked ? EPOLLIN : EPOLLIN | EPOLLOUT);
    }

    void ask(Connection& connection) {
        const std::string& request = order_.request;
        connection.asked = ::send(connection.fd.get(), request.data(), request.size(),
                                  MSG_NOSIGNAL) == static_cast<ssize_t>(request.size());
    }

    void look(int fd) {
        Connection& connection = connections_[static_cast<std::size_t>(fd)];
        if (!connection.asked) {
            ask(connection);
            watch(fd, EPOLLIN, EPOLL_CTL_MOD);
        }
        std::array<char, 4096> buffer;
        const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got > 0) {
            if (!connection.answered) answers_.add(Clock::now() - connection.due);
            connection.answered = true;
            return;
        }
        connection.fd.reset();
        ++ended_;
    }

    const Order& order_;
    Clock::duration gap_;
    std::size_t total_;
    UniqueFd epoll_;
    UniqueFd timer_;
    Clock::time_point start_;
    std::vector<Connection> connections_;  ///< by descriptor
    std::size_t opened_ = 0;
    std::size_t ended_ = 0;
    Samples answers_;
};

}  // namespace

int run_paced(const Order& order) {
    PacedConnections connections(order);
    connections.run();
    connections.print();
    return 0;
}

}  // namespace bench
