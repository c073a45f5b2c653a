#include "daemon/listeners.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "config/overlap.h"
#include "sys/socket.h"

namespace portsplit::daemon {
namespace {

constexpr const char* kEveryV4 = "0.0.0.0";
constexpr const char* kEveryV6 = "::";

/// An address to bind.
struct Wanted {
    core::Endpoint endpoint;       ///< numeric
    bool is_half_of_star = false;  ///< true for the IPv6 half of a `*`
};

/// Returns the binds with each "*" replaced by one for each family.
std::vector<Wanted> expanded(const core::List<core::Endpoint>& binds) {
    std::vector<Wanted> result;
    for (const core::Endpoint& bind : binds) {
        if (bind.host == "*") {
            result.push_back({{kEveryV4, bind.port}});
            result.push_back({{kEveryV6, bind.port}, true});
        } else {
            result.push_back({bind});
        }
    }
    return result;
}

/// Returns true for a passed listener on every address of IPv4 and IPv6.
bool takes_all(const Listener& listener) {
    return listener.passed && listener.configured.host == kEveryV6 &&
           sys::takes_both_families(listener.fd.get());
}

bool serves(const Listener& listener, const core::Endpoint& bind) {
    if (listener.configured == bind) return true;
    return bind == core::Endpoint{kEveryV4, listener.configured.port} && takes_all(listener);
}

/// Returns true if an address cannot be bound because of a passed listener.
bool prevents(const Listener& listener, const core::Endpoint& bind) {
    if (!listener.passed) return false;
    return config::collide(listener.configured, bind) ||
           (takes_all(listener) && config::collide({kEveryV4, listener.configured.port}, bind));
}

/// Returns the address of a socket; `descriptor N` for anything else.
std::string text_of(int fd) {
    const auto bound = sys::local_address(fd);
    if (bound && bound->is_internet()) return bound->text();
    if (bound && bound->family() == AF_UNIX) return sys::unix_path(fd);
    return fmt::format("descriptor {}", fd);
}

/// Returns `NAME (ADDRESS)`; the address alone if there is no name.
std::string called(const std::string& name, const std::string& text) {
    return name.empty() ? text : fmt::format("{} ({})", name, text);
}

std::string with_source(const Listener& passed) {
    return fmt::format("{}, passed by the service manager{}{}", passed.text,
                       passed.name.empty() ? "" : " as ", passed.name);
}

template <typename List>
auto find(List& listeners, const core::Endpoint& bind) {
    return std::find_if(listeners.begin(), listeners.end(),
                        [&](const Listener& listener) { return serves(listener, bind); });
}

sys::Result<Listener> open_one(const core::Endpoint& configured, std::uint16_t port) {
    const auto address = sys::Address::from({configured.host, port});
    if (!address) {
        return sys::SysError{EADDRNOTAVAIL,
                             fmt::format("cannot listen on {}", core::to_string(configured))};
    }
    auto fd = sys::listen_on(*address);
    if (!fd) {
        return sys::SysError{fd.error().code, fd.error().what,
                             advice_on_listening(fd.error().code, port)};
    }
    const auto bound = sys::local_address(fd->get());
    if (!bound) return bound.error();
    return Listener{configured, *bound, std::move(*fd), bound->text(), false, {}};
}

/// Returns the port to bind: of `*:0`, IPv6 takes the port that the system chose for IPv4.
std::uint16_t port_for(const Wanted& wanted, const std::vector<Listener>& opened) {
    const std::uint16_t port = wanted.endpoint.port;
    if (port != 0 || !wanted.is_half_of_star) return port;
    const auto half = find(opened, {kEveryV4, 0});
    return half == opened.end() ? port : half->bound.port();
}

}  // namespace

std::string advice_on_listening(int code, std::uint16_t port) {
    // net.ipv4.ip_unprivileged_port_start, as it is by default (ip(7)).
    constexpr std::uint16_t kFirstUnprivileged = 1024;
    switch (code) {
        case EADDRINUSE:
            return fmt::format("see which program has it: ss -ltnp 'sport = :{}'", port);
        case EACCES:
            if (port >= kFirstUnprivileged) return {};
            return "ports below 1024 need root or CAP_NET_BIND_SERVICE (see "
                   "portsplit-relay.service)";
        case EADDRNOTAVAIL:
            return "no interface has this address; see those that there are: ip address";
        default:
            return {};
    }
}

core::Result<core::Done, std::string> Listeners::adopt(sys::UniqueFd fd, const std::string& name) {
    const std::string text = text_of(fd.get());
    const auto bound = sys::local_address(fd.get());
    if (!bound || !sys::is_listening(fd.get())) {
        return fmt::format(
            "the service manager passed {}, which is not a listening stream socket "
            "and is closed; its unit needs ListenStream= and Accept=no",
            called(name, text));
    }
    sys::set_blocking(fd.get(), false);
    listeners_.push_back(
        {{core::Text(bound->host()), bound->port()}, *bound, std::move(fd), text, true, name});
    return core::Done{};
}

bool Listeners::is_wanted(const Listener& listener, const core::List<core::Endpoint>& binds) {
    const std::vector<Wanted> wanted = expanded(binds);
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const Wanted& it) { return serves(listener, it.endpoint); });
}

std::string Listeners::describe_passed(const Listener& listener,
                                       const core::List<core::Endpoint>& binds) {
    if (!is_wanted(listener, binds))
        return fmt::format("also listening on {}", with_source(listener));
    std::string served;
    bool other_address = false;
    for (const core::Endpoint& bind : binds) {
        if (!is_wanted(listener, {bind})) continue;
        if (!served.empty()) served += " and ";
        served += fmt::format("bind = {}", core::to_string(bind));
        other_address |= listener.configured != bind;
    }
    if (other_address && takes_all(listener)) {
        return fmt::format("{}, takes both families and stands for {}", with_source(listener),
                           served);
    }
    return fmt::format("using the socket {} from the service manager for the bind of its address",
                       called(listener.name, listener.text));
}

/// Returns an error of `wanted` that names the passed listener which has its port, if there is one.
sys::SysError Listeners::with_advice(sys::SysError error, const core::Endpoint& wanted) const {
    if (error.code != EADDRINUSE) return error;
    const auto holder =
        std::find_if(listeners_.begin(), listeners_.end(),
                     [&](const Listener& listener) { return prevents(listener, wanted); });
    if (holder == listeners_.end()) return error;
    error.advice = fmt::format("{}, has this port; delete the bind, or change the socket unit",
                               with_source(*holder));
    return error;
}

sys::Result<Listeners::Opened> Listeners::open_missing(
    const core::List<core::Endpoint>& binds) const {
    Opened missing;
    for (const Wanted& wanted : expanded(binds)) {
        if (find(listeners_, wanted.endpoint) != listeners_.end()) continue;
        auto opened = open_one(wanted.endpoint, port_for(wanted, missing.listeners));
        if (opened) {
            missing.listeners.push_back(std::move(*opened));
        } else if (wanted.is_half_of_star && opened.error().code == EAFNOSUPPORT) {
            // `*` means each family that the kernel has.
            missing.skipped.push_back(wanted.endpoint);
        } else {
            return with_advice(opened.error(), wanted.endpoint);
        }
    }
    return missing;
}

std::vector<Listener> Listeners::change_to(const core::List<core::Endpoint>& binds,
                                           std::vector<Listener> missing) {
    std::vector<Listener> next;
    for (Listener& listener : listeners_) {
        if (listener.passed) next.push_back(std::move(listener));
    }
    std::erase_if(listeners_, [](const Listener& listener) { return listener.passed; });
    for (const Wanted& wanted : expanded(binds)) {
        for (std::vector<Listener>* source : {&listeners_, &missing}) {
            const auto found = find(*source, wanted.endpoint);
            if (found == source->end()) continue;
            next.push_back(std::move(*found));
            source->erase(found);
            break;
        }
    }
    return std::exchange(listeners_, std::move(next));
}

bool Listeners::has_passed() const {
    return std::any_of(listeners_.begin(), listeners_.end(),
                       [](const Listener& listener) { return listener.passed; });
}

std::string Listeners::text_for(const core::List<core::Endpoint>& binds,
                                const std::vector<Listener>& missing) const {
    std::string text;
    const auto add = [&text](const Listener& listener) {
        if (!listener.bound.is_internet()) return;
        if (!text.empty()) text += ' ';
        text += takes_all(listener) ? fmt::format("*:{}", listener.bound.port())
                                    : listener.bound.text();
    };
    for (const Listener& listener : listeners_) {
        if (listener.passed || is_wanted(listener, binds)) add(listener);
    }
    for (const Listener& listener : missing) add(listener);
    return text;
}

std::string Listeners::text() const {
    std::string text;
    for (const Listener& listener : listeners_) {
        if (!text.empty()) text += ' ';
        text += listener.text;
    }
    return text;
}

}  // namespace portsplit::daemon
