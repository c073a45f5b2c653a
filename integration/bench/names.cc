#include <poll.h>
#include <time.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "load.h"
#include "net.h"
#include "samples.h"

namespace bench {
namespace {

/// A peer without an answer after this time waits for more, or for its deadline.
constexpr std::chrono::milliseconds kPatience{1000};
/// Between two pieces, so that the peer wakes up for each of them.
constexpr std::chrono::microseconds kGap{200};
/// A connection that fails is slow, and the next one fails like it.
constexpr std::size_t kFailures = 2;

/// Returns the length of the next piece of a stream of TLS records (RFC 8446 5.1).
std::size_t piece_of(std::string_view rest, Cut cut) {
    if (cut == Cut::Bytes) return 1;
    if (cut == Cut::Whole || rest.size() < 5) return rest.size();
    const auto byte = [&](std::size_t at) {
        return static_cast<std::size_t>(static_cast<unsigned char>(rest[at]));
    };
    return std::min(rest.size(), 5 + (byte(3) << 8 | byte(4)));
}

/// Sends the request in pieces. An error of a closed connection comes again when its answer is read.
/// @returns when the last piece began
Clock::time_point send_pieces(int fd, const Order& order) {
    auto begun = Clock::now();
    std::string_view rest = order.request;
    while (!rest.empty()) {
        const std::size_t piece = piece_of(rest, order.cut);
        begun = Clock::now();
        if (::send(fd, rest.data(), piece, MSG_NOSIGNAL) < 0) break;
        rest.remove_prefix(piece);
        const timespec gap{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(kGap).count()};
        if (!rest.empty()) ::nanosleep(&gap, nullptr);
    }
    return begun;
}

}  // namespace

int run_names(const Order& order) {
    std::size_t elsewhere = 0;
    std::size_t closed = 0;
    std::size_t silent = 0;
    Samples found;
    const auto end = Clock::now() + order.time;
    do {
        const UniqueFd fd = connect_to(order.where);
        const auto sent = send_pieces(fd.get(), order);
        pollfd wait{.fd = fd.get(), .events = POLLIN, .revents = 0};
        char first = 0;
        if (retry([&] { return ::poll(&wait, 1, static_cast<int>(kPatience.count())); }) == 0) {
            ++silent;
        } else if (::recv(fd.get(), &first, 1, 0) != 1) {
            ++closed;
        } else if (first != order.answer) {
            ++elsewhere;
        } else {
            found.add(Clock::now() - sent);
        }
    } while (Clock::now() < end && elsewhere + closed + silent < kFailures);
    std::printf(
        "{\"connections\":%zu,\"found\":%zu,\"elsewhere\":%zu,\"closed\":%zu,\"silent\":%zu",
        found.count() + elsewhere + closed + silent, found.count(), elsewhere, closed, silent);
    found.print();
    std::puts("}");
    return 0;
}

}  // namespace bench
