#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "load.h"
#include "net.h"
#include "samples.h"

namespace bench {

int run_both(const Order& order) {
    const UniqueFd fd = connect_to(order.where);
    if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) < 0) give_up("cannot set O_NONBLOCK");
    ::send(fd.get(), order.request.data(), order.request.size(), MSG_NOSIGNAL);
    std::vector<char> out(131072, 'x');
    std::vector<char> in(131072);
    std::uint64_t bytes = 0;
    const auto begun = Clock::now();
    for (auto now = begun; now < begun + order.time; now = Clock::now()) {
        const ssize_t put = ::send(fd.get(), out.data(), out.size(), MSG_NOSIGNAL);
        const ssize_t got = ::recv(fd.get(), in.data(), in.size(), 0);
        if (got == 0) give_up("unexpected EOF");
        bytes += static_cast<std::uint64_t>(std::max<ssize_t>(put, 0) + std::max<ssize_t>(got, 0));
        if (put > 0 || got > 0) continue;
        pollfd entry{.fd = fd.get(), .events = POLLIN | POLLOUT, .revents = 0};
        ::poll(&entry, 1, 1000);
    }
    const double time = seconds(Clock::now() - begun);
    std::printf("{\"gbit_s\":%.3f,\"gib\":%.4f}\n", static_cast<double>(bytes) * 8e-9 / time,
                static_cast<double>(bytes) / 1073741824);
    return 0;
}

}  // namespace bench
