#include <string>

#include "load.h"
#include "net.h"
#include "samples.h"

namespace bench {
namespace {

/// A longer round trip waited for a timer: a delayed acknowledgement takes 40 ms, a retransmission 200 ms
/// (tcp(7), RFC 9293 3.8).
constexpr std::chrono::milliseconds kStep{30};

void exchange(int fd, const std::string& bytes) {
    std::string answer(bytes.size(), '\0');
    if (::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) give_up("cannot send");
    if (::recv(fd, answer.data(), answer.size(), MSG_WAITALL) < 0) give_up("cannot receive");
    errno = EPROTO;
    if (answer != bytes) give_up("the answer differs from the request");
}

}  // namespace

int run_ping_pong(const Order& order) {
    const UniqueFd fd = connect_to(order.where);
    exchange(fd.get(), order.request);
    Samples rounds;
    const std::string ping = "x";
    const auto begun = Clock::now();
    for (std::size_t i = 0; i < order.count; ++i) {
        const auto sent = Clock::now();
        exchange(fd.get(), ping);
        rounds.add(Clock::now() - sent);
    }
    const double time = seconds(Clock::now() - begun);
    std::printf("{\"rounds\":%zu,\"rate\":%.1f,\"steps\":%zu", rounds.count(),
                static_cast<double>(rounds.count()) / time, rounds.longer_than(kStep));
    rounds.print();
    std::puts("}");
    return 0;
}

int run_pieces(const Order& order) {
    constexpr std::chrono::milliseconds kGap{1};
    const std::size_t bytewise = order.request.find(' ');
    Samples answers;
    for (std::size_t i = 0; i < order.count; ++i) {
        const UniqueFd fd = connect_to(order.where);
        for (std::size_t at = 0; at < bytewise; ++at) {
            ::send(fd.get(), &order.request[at], 1, MSG_NOSIGNAL);
            const timespec gap{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(kGap).count()};
            ::nanosleep(&gap, nullptr);
        }
        const auto sent = Clock::now();
        ::send(fd.get(), &order.request[bytewise], order.request.size() - bytewise, MSG_NOSIGNAL);
        char first = 0;
        if (::recv(fd.get(), &first, 1, 0) == 1) answers.add(Clock::now() - sent);
    }
    std::printf("{\"connections\":%zu,\"errors\":%zu", answers.count(),
                order.count - answers.count());
    answers.print();
    std::puts("}");
    return 0;
}

}  // namespace bench
