#include <sys/epoll.h>

#include <array>
#include <string>
#include <vector>

#include "load.h"
#include "net.h"
#include "samples.h"

namespace bench {
namespace {

/// Less than the shortest accept queue of the peers, 50: a SYN beyond it is sent again after 1 s.
constexpr std::size_t kOpenAtOnce = 32;

class Crowd {
  public:
    explicit Crowd(const Order& order) : order_(order), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (!epoll_) give_up("cannot make an epoll descriptor");
        fds_.reserve(order.count);
    }

    void open() {
        while (fds_.size() < order_.count) {
            const std::size_t begin = fds_.size();
            while (fds_.size() < order_.count && fds_.size() < begin + kOpenAtOnce) connect_one();
            for (std::size_t i = begin; i < fds_.size(); ++i) take(fds_[i].get(), order_.request);
        }
    }

    void wake() {
        for (const UniqueFd& fd : fds_) {
            epoll_event event{.events = EPOLLIN, .data = {.fd = fd.get()}};
            if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) < 0)
                give_up("cannot watch");
        }
        std::size_t unanswered = fds_.size();
        const auto begun = Clock::now();
        for (const UniqueFd& fd : fds_) ::send(fd.get(), "x", 1, MSG_NOSIGNAL);
        std::array<epoll_event, 64> events;
        while (unanswered > 0) {
            const int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(), 10000);
            errno = ETIMEDOUT;
            if (ready == 0) give_up("some connections do not answer");
            for (int i = 0; i < ready; ++i, --unanswered) {
                take(events[static_cast<std::size_t>(i)].data.fd, "x");
                answers_.add(Clock::now() - begun);
            }
        }
    }

    void print() {
        std::printf("{\"connections\":%zu", answers_.count());
        answers_.print();
        std::puts("}");
    }

    /// Closes all with resets, so that none stays in TIME-WAIT during the next measurement.
    void end() {
        const linger abort{.l_onoff = 1, .l_linger = 0};
        for (const UniqueFd& fd : fds_) {
            ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
        }
    }

  private:
    void connect_one() {
        fds_.push_back(connect_to(order_.where));
        const std::string& request = order_.request;
        ::send(fds_.back().get(), request.data(), request.size(), MSG_NOSIGNAL);
    }

    static void take(int fd, const std::string& expected) {
        std::string answer(expected.size(), '\0');
        const ssize_t got = ::recv(fd, answer.data(), answer.size(), MSG_WAITALL);
        if (got < 0) give_up("cannot receive");
        errno = EPROTO;
        if (answer != expected) give_up("the answer differs from the request");
    }

    const Order& order_;
    UniqueFd epoll_;
    std::vector<UniqueFd> fds_;
    Samples answers_;
};

}  // namespace

int run_hold(const Order& order) {
    Crowd crowd(order);
    crowd.open();
    std::puts("held");
    std::fflush(stdout);
    while (std::getchar() != '\n') {
        if (std::feof(stdin) != 0) return 1;
    }
    crowd.wake();
    crowd.print();
    crowd.end();
    return 0;
}

}  // namespace bench
