#include "dispatch/resolve.h"

#include <ares.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

namespace portsplit::dispatch {
namespace {

/// One query, and where its callback stores the answer.
struct Query {
    Resolved* resolved;
    bool finished = false;
};

/// The callback of ares_getaddrinfo(3).
void store_addresses(void* argument, int status, int, ares_addrinfo* info) {
    auto* query = static_cast<Query*>(argument);
    query->finished = true;
    query->resolved->error = status;
    if (info == nullptr) return;
    for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
        sockaddr_storage storage{};
        std::memcpy(&storage, node->ai_addr,
                    std::min<std::size_t>(node->ai_addrlen, sizeof storage));
        query->resolved->addresses.push_back(sys::Address::from(storage));
    }
    ares_freeaddrinfo(info);
}

/// Polls the sockets of c-ares once, until its next retry or `until`, and processes the events.
void poll_once(ares_channel channel, sys::Clock::time_point until) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const int wanted = ares_getsock(channel, sockets.data(), ARES_GETSOCK_MAXNUM);
    std::vector<pollfd> entries;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
        const auto read = static_cast<short>(ARES_GETSOCK_READABLE(wanted, i) ? POLLIN : 0);
        const auto write = static_cast<short>(ARES_GETSOCK_WRITABLE(wanted, i) ? POLLOUT : 0);
        if (read == 0 && write == 0) continue;
        const auto events = static_cast<short>(read | write);
        entries.push_back(
            {.fd = sockets[static_cast<std::size_t>(i)], .events = events, .revents = 0});
    }
    const auto left = std::max(until - sys::Clock::now(), sys::Clock::duration::zero());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(left - seconds);
    timeval most{.tv_sec = seconds.count(), .tv_usec = rest.count()};
    timeval buffer{};
    const timeval* next = ares_timeout(channel, &most, &buffer);
    const int milliseconds = static_cast<int>(next->tv_sec * 1000 + (next->tv_usec + 999) / 1000);
    const int ready = ::poll(entries.data(), entries.size(), milliseconds);
    if (ready <= 0) {
        ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // starts its retries
        return;
    }
    for (const pollfd& entry : entries) {
        if (entry.revents == 0) continue;
        const bool writable = (entry.revents & POLLOUT) != 0;
        ares_process_fd(channel, writable ? ARES_SOCKET_BAD : entry.fd,
                        writable ? entry.fd : ARES_SOCKET_BAD);
    }
}

}  // namespace

Resolved resolve(const core::Endpoint& endpoint, sys::Clock::time_point until) {
    Resolved resolved;
    // By default the first try takes 2 s or 5 s (ares_init_options(3)): a dead name server would leave
    // the next one no time.
    ares_options options{};
    options.timeout = 1000;  // ms, doubled in each round
    options.tries = 3;
    ares_channel channel = nullptr;
    resolved.error = ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (resolved.error != ARES_SUCCESS) return resolved;

    Query query{.resolved = &resolved};
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NUMERICSERV;
    const std::string port = std::to_string(endpoint.port);
    ares_getaddrinfo(channel, endpoint.host.c_str(), port.c_str(), &hints, store_addresses, &query);
    while (!query.finished && sys::Clock::now() < until) poll_once(channel, until);
    if (!query.finished) {
        ares_cancel(channel);  // runs the callback, without addresses
        resolved.error = ARES_ETIMEOUT;
    }
    ares_destroy(channel);
    return resolved;
}

std::string resolve_error_text(int error) { return ares_strerror(error); }

}  // namespace portsplit::dispatch
