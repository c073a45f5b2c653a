#include "daemon/listeners.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "sys/socket.h"

namespace portsplit::daemon {
namespace {

constexpr const char* kEveryV4 = "0.0.0.0";
constexpr const char* kEveryV6 = "::";

/// Returns the binds with each "*" replaced by one bind for each family.
core::List<core::Endpoint> expanded(const core::List<core::Endpoint>& binds) {
    core::List<core::Endpoint> result;
    for (const core::Endpoint& bind : binds) {
        if (bind.host == "*") {
            result.push_back({kEveryV4, bind.port});
            result.push_back({kEveryV6, bind.port});
        } else {
            result.push_back(bind);
        }
    }
    return result;
}

bool serves(const Listener& listener, const core::Endpoint& bind) {
    if (listener.configured == bind) return true;
    return listener.passed && bind == core::Endpoint{kEveryV4, listener.configured.port} &&
           listener.configured.host == kEveryV6 && sys::takes_both_families(listener.fd.get());
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
    if (!fd) return fd.error();
    const auto bound = sys::local_address(fd->get());
    if (!bound) return bound.error();
    return Listener{configured, *bound, std::move(*fd), bound->text(), false, {}};
}

/// Returns the port to bind: of `*:0`, IPv6 takes the port that the system chose for IPv4.
std::uint16_t port_for(const core::Endpoint& bind, const std::vector<Listener>& opened) {
    if (bind.port != 0 || bind.host != kEveryV6) return bind.port;
    const auto half = find(opened, {kEveryV4, 0});
    return half == opened.end() ? bind.port : half->bound.port();
}

}  // namespace

bool Listeners::adopt(sys::UniqueFd fd, const std::string& name) {
    if (!sys::is_listening(fd.get())) return false;
    const auto bound = sys::local_address(fd.get());
    if (!bound) return false;
    sys::set_blocking(fd.get(), false);
    const std::string text = bound->is_internet() ? bound->text() : sys::unix_path(fd.get());
    listeners_.push_back(
        {{core::Text(bound->host()), bound->port()}, *bound, std::move(fd), text, true, name});
    return true;
}

bool Listeners::is_wanted(const Listener& listener, const core::List<core::Endpoint>& binds) {
    const core::List<core::Endpoint> wanted = expanded(binds);
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const core::Endpoint& bind) { return serves(listener, bind); });
}

sys::Result<std::vector<Listener>> Listeners::open_missing(
    const core::List<core::Endpoint>& binds) const {
    std::vector<Listener> missing;
    for (const core::Endpoint& bind : expanded(binds)) {
        if (find(listeners_, bind) != listeners_.end()) continue;
        auto opened = open_one(bind, port_for(bind, missing));
        // `*` means each family that the kernel supports: skip IPv6 where it is missing.
        if (!opened && opened.error().code == EAFNOSUPPORT && bind.host == kEveryV6) continue;
        if (!opened) return opened.error();
        missing.push_back(std::move(*opened));
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
    for (const core::Endpoint& bind : expanded(binds)) {
        for (std::vector<Listener>* source : {&listeners_, &missing}) {
            const auto found = find(*source, bind);
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

std::string Listeners::text() const {
    std::string text;
    for (const Listener& listener : listeners_) {
        if (!text.empty()) text += ' ';
        text += listener.text;
    }
    return text;
}

}  // namespace portsplit::daemon
