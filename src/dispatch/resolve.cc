#include "dispatch/resolve.h"

#include <ares.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "dispatch/name_rules.h"

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
        const socklen_t size = std::min<socklen_t>(node->ai_addrlen, sizeof storage);
        std::memcpy(&storage, node->ai_addr, size);
        query->resolved->addresses.push_back(sys::Address::from(storage, size));
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

/// A channel of c-ares that uses one source, and follows `options` and name servers of resolv.conf.
class Channel {
  public:
    Channel(NameSource source, const NameRules& rules) {
        // By default the first try takes 2 s or 5 s (ares_init_options(3)): a dead name server would
        // leave the next one no time.
        ares_options options{};
        options.timeout = 1000;  // ms, doubled in each round
        options.tries = 3;
        options.flags = ARES_FLAG_NOALIASES | (rules.over_tcp ? ARES_FLAG_USEVC : 0);
        std::string lookups = source == NameSource::Hosts ? "f" : "b";
        options.lookups = lookups.data();
        std::string none = "/dev/null";
        options.resolvconf_path = none.data();
        const int with_hosts = source == NameSource::Hosts ? ARES_OPT_RESOLVCONF : 0;
        error_ = ares_init_options(
            &channel_, &options,
            ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS | ARES_OPT_LOOKUPS | with_hosts);
    }
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel() {
        if (error_ == ARES_SUCCESS) ares_destroy(channel_);
    }

    /// Looks a name up, and sorts the addresses (RFC 6724). At `until` it returns the addresses of the
    /// family that was answered, if one was.
    Resolved look_up(const std::string& name, std::uint16_t port, int family,
                     sys::Clock::time_point until) {
        Resolved resolved{.addresses = {}, .error = error_};
        if (error_ != ARES_SUCCESS) return resolved;
        Query query{.resolved = &resolved};
        ares_addrinfo_hints hints{};
        hints.ai_family = family;
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = ARES_AI_NUMERICSERV;
        ares_getaddrinfo(channel_, name.c_str(), std::to_string(port).c_str(), &hints,
                         store_addresses, &query);
        while (!query.finished && sys::Clock::now() < until) poll_once(channel_, until);
        if (!query.finished) {
            ares_cancel(channel_);  // runs the callback
            resolved.error = ARES_ETIMEOUT;
        }
        return resolved;
    }

  private:
    ares_channel channel_ = nullptr;
    int error_;
};

Resolved look_up_in_hosts(const std::string& name, std::uint16_t port) {
    Resolved resolved = Channel(NameSource::Hosts, {}).look_up(name, port, AF_UNSPEC, {});
    if (resolved.addresses.empty()) resolved.error = ARES_ENOTFOUND;  // not ARES_ECONNREFUSED
    return resolved;
}

/// Returns what /etc/hosts has for this name, else for `localhost`, else both addresses of loopback.
Resolved look_up_loopback(std::string name, std::uint16_t port) {
    if (name.ends_with('.')) name.pop_back();
    for (const std::string& next : {name, std::string("localhost")}) {
        Resolved resolved = look_up_in_hosts(next, port);
        if (!resolved.addresses.empty()) return resolved;
    }
    return {
        .addresses = {*sys::Address::from({"::1", port}), *sys::Address::from({"127.0.0.1", port})},
        .error = ARES_SUCCESS};
}

/// How much an error says: that a server failed is more than that it has no such name.
int weight(int error) {
    if (error == ARES_ENOTFOUND || error == ARES_EBADNAME) return 0;
    return error == ARES_ENODATA ? 1 : 2;
}

/// Keeps the error that says more, the first of equals.
void keep_graver(Resolved& kept, const Resolved& next) {
    if (kept.error == ARES_SUCCESS || weight(next.error) > weight(kept.error)) {
        kept.error = next.error;
    }
}

/// Asks for one name after the other. As getaddrinfo(3), goes on after a server failure; c-ares reports
/// it as ARES_ECONNREFUSED.
Resolved look_up_in_dns(const std::string& host, std::uint16_t port, const NameRules& rules,
                        sys::Clock::time_point until) {
    Channel channel(NameSource::Dns, rules);
    Resolved failure;
    for (const std::string& name : names_to_ask(host, rules)) {
        Resolved resolved = channel.look_up(name, port, rules.ipv6 ? AF_UNSPEC : AF_INET, until);
        if (!resolved.addresses.empty()) return resolved;
        keep_graver(failure, resolved);
        if (resolved.error == ARES_ETIMEOUT) break;
    }
    return failure;
}

}  // namespace

Resolved resolve(const core::Endpoint& endpoint, sys::Clock::time_point until) {
    if (const auto numeric = sys::Address::from(endpoint))
        return {.addresses = {*numeric}, .error = ARES_SUCCESS};
    const std::string host(endpoint.host);
    if (host.empty()) return {.addresses = {}, .error = ARES_ENOTFOUND};
    if (core::is_localhost(host)) return look_up_loopback(host, endpoint.port);
    const NameRules rules = name_rules(read_name_texts());
    Resolved failure;
    for (const NameSource source : rules.sources) {
        Resolved resolved = source == NameSource::Hosts
                                ? look_up_in_hosts(host, endpoint.port)
                                : look_up_in_dns(host, endpoint.port, rules, until);
        if (!resolved.addresses.empty()) return resolved;
        keep_graver(failure, resolved);
    }
    return failure;
}

std::string resolve_error_text(int error) { return ares_strerror(error); }

}  // namespace portsplit::dispatch
