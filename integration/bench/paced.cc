#include <sys/timerfd.h>

#include <cstdint>

#include "connections.h"
#include "load.h"
#include "net.h"
#include "samples.h"

namespace bench {
namespace {

/// A connection without an answer at the end gets this long, then it counts as an error.
constexpr std::chrono::milliseconds kPatience{3000};

class PacedConnections {
  public:
    explicit PacedConnections(const Order& order)
        : time_(order.time),
          gap_(std::chrono::nanoseconds(std::chrono::seconds(1)) / order.rate),
          total_(static_cast<std::size_t>(time_ / gap_)),
          connections_(order, total_),
          timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
        if (!timer_) give_up("cannot make a timer");
        connections_.watch(timer_.get(), total_, EPOLLIN);
    }

    void run() {
        start_ = Clock::now() + gap_;
        const auto end = start_ + time_ + kPatience;
        set_timer();
        for (auto now = Clock::now(); ended_ < total_ && now < end; now = Clock::now()) {
            connections_.wait(end - now, [this](std::size_t number) { handle(number); });
        }
    }

    void print() {
        Samples& answers = connections_.first_byte();
        std::printf("{\"connections\":%zu,\"errors\":%zu", answers.count(),
                    total_ - answers.count());
        answers.print();
        std::puts("}");
    }

  private:
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

    void handle(std::size_t number) {
        if (number == total_) {
            open_those_due();
        } else if (connections_.read(number) != State::Open) {
            connections_.close(number);
            ++ended_;
        }
    }

    /// A client that comes late, because this process had no CPU, still counts from when it was due.
    void open_those_due() {
        std::uint64_t expired = 0;
        if (::read(timer_.get(), &expired, sizeof expired) < 0) return;
        for (; expired > 0 && opened_ < total_; --expired, ++opened_) {
            connections_.open(opened_, start_ + gap_ * static_cast<Clock::rep>(opened_));
        }
    }

    Clock::duration time_;
    Clock::duration gap_;
    std::size_t total_;  ///< of connections; the timer has the number behind them
    Connections connections_;
    UniqueFd timer_;
    Clock::time_point start_;
    std::size_t opened_ = 0;
    std::size_t ended_ = 0;
};

}  // namespace

int run_paced(const Order& order) {
    PacedConnections connections(order);
    connections.run();
    connections.print();
    return 0;
}

}  // namespace bench
