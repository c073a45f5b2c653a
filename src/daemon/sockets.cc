#include "daemon/sockets.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "config/overlap.h"
#include "core/entrance.h"
#include "sys/socket.h"

namespace portsplit::daemon {
namespace {

constexpr const char* kEveryV4 = "0.0.0.0";
constexpr const char* kEveryV6 = "::";

/// An address to bind.
struct Wanted {
    core::Endpoint endpoint;       ///< numeric
    std::size_t listener = 0;      ///< index in core::listeners_of
    bool is_half_of_star = false;  ///< true for the IPv6 half of a `*`
    sys::ListenOptions options{};
};

/// Adds a bind; in place of a `*` one for each family.
void add(const core::Endpoint& bind, std::size_t listener, const sys::ListenOptions& options,
         std::vector<Wanted>& wanted) {
    if (bind.host == "*") {
        wanted.push_back({{kEveryV4, bind.port}, listener, false, options});
        wanted.push_back({{kEveryV6, bind.port}, listener, true, options});
    } else {
        wanted.push_back({bind, listener, false, options});
    }
}

sys::ListenOptions options_of(const core::Listener& listener) {
    return {std::string(listener.interface), listener.freebind, listener.mptcp};
}

/// Returns the addresses that a configuration wants.
std::vector<Wanted> wanted_of(const core::Config& config) {
    std::vector<Wanted> wanted;
    std::size_t index = 0;
    for (const core::Listener* listener : core::listeners_of(config)) {
        const sys::ListenOptions options = options_of(*listener);
        for (const core::Endpoint& bind : listener->bind) add(bind, index, options, wanted);
        ++index;
    }
    return wanted;
}

/// Returns true for a passed socket on every address of IPv4 and IPv6.
bool takes_all(const ListeningSocket& socket) {
    return socket.passed && socket.configured.host == kEveryV6 &&
           sys::takes_both_families(socket.fd.get());
}

bool serves(const ListeningSocket& socket, const core::Endpoint& bind) {
    if (socket.configured == bind) return true;
    if (socket.configured.is_unix()) return config::collide(socket.configured, bind);
    return bind == core::Endpoint{kEveryV4, socket.configured.port} && takes_all(socket);
}

/// Returns true if an address cannot be bound because of a socket that this daemon has.
bool prevents(const ListeningSocket& socket, const core::Endpoint& bind) {
    return config::collide(socket.configured, bind) ||
           (takes_all(socket) && config::collide({kEveryV4, socket.configured.port}, bind));
}

/// Returns a bound address as a `bind` has it; of a path that no `bind` can have, as the log has it.
core::Text as_bind(const sys::Address& bound) {
    if (bound.is_internet()) return core::Text(bound.host());
    std::string path(bound.path());
    if (path.starts_with('\0')) path.front() = '@';
    const bool can_be_bind = path.find_first_of(", ") == path.npos && !path.empty();
    return core::Text(can_be_bind ? std::string(core::Endpoint::kUnix) + path : bound.text());
}

/// Returns the address of a socket; `descriptor N` for anything else.
std::string text_of(int fd) {
    const auto bound = sys::local_address(fd);
    if (bound && bound->is_valid()) return bound->text();
    return fmt::format("descriptor {}", fd);
}

/// Returns `NAME (ADDRESS)`; the address alone if there is no name.
std::string called(const std::string& name, const std::string& text) {
    return name.empty() ? text : fmt::format("{} ({})", name, text);
}

std::string with_source(const ListeningSocket& passed) {
    return fmt::format("{}, passed by the service manager{}{}", passed.text,
                       passed.name.empty() ? "" : " as ", passed.name);
}

/// Returns true if a socket serves one of the addresses of a bind.
bool serves_any(const ListeningSocket& socket, const core::Endpoint& bind) {
    std::vector<Wanted> wanted;
    add(bind, 0, {}, wanted);
    return std::ranges::any_of(wanted,
                               [&](const Wanted& it) { return serves(socket, it.endpoint); });
}

template <typename List>
auto find(List& sockets, const core::Endpoint& bind) {
    return std::find_if(sockets.begin(), sockets.end(),
                        [&](const ListeningSocket& socket) { return serves(socket, bind); });
}

template <typename Number>
std::optional<Number> number_in(std::string_view text, int base = 10) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

/// @param socket  of the facts: its owners are numbers
sys::FileAccess access_of(const core::UnixSocket& socket) {
    sys::FileAccess access;
    access.mode = number_in<mode_t>(socket.mode, 8).value_or(access.mode);
    access.user = number_in<uid_t>(socket.user);
    access.group = number_in<gid_t>(socket.group);
    return access;
}

sys::Result<ListeningSocket> open_file(const core::Endpoint& configured) {
    const core::UnixSocket socket = core::unix_socket(configured);
    auto listening = sys::SocketFile::listen_on(std::string(socket.path), access_of(socket));
    if (!listening) return listening.error();
    const sys::Address bound = sys::Address::of_unix(socket.path);
    return ListeningSocket{.configured = configured,
                           .bound = bound,
                           .fd = std::move(listening->fd),
                           .text = bound.text(),
                           .file = std::move(listening->file)};
}

sys::Result<ListeningSocket> open_one(const core::Endpoint& configured, std::uint16_t port,
                                      const sys::ListenOptions& options) {
    if (configured.is_unix() && !core::unix_socket(configured).is_abstract()) {
        return open_file(configured);
    }
    const auto address = sys::Address::from({configured.host, port});
    if (!address) {
        return sys::SysError{EADDRNOTAVAIL,
                             fmt::format("cannot listen on {}", core::to_string(configured))};
    }
    auto fd = sys::listen_on(*address, options);
    if (!fd) {
        const bool is_taken = address->is_unix() && fd.error().code == EADDRINUSE;
        return sys::SysError{
            fd.error().code, fd.error().what,
            is_taken ? fmt::format("see which program has it: ss -xlp src {}", address->host())
            : address->is_unix() ? ""
                                 : advice_on_listening(fd.error().code, port)};
    }
    const auto bound = sys::local_address(fd->get());
    if (!bound) return bound.error();
    return ListeningSocket{.configured = configured,
                           .bound = *bound,
                           .fd = std::move(*fd),
                           .text = bound->text(),
                           .options = options};
}

/// Returns the port to bind: of `*:0`, IPv6 takes the port that the system chose for IPv4.
std::uint16_t port_for(const Wanted& wanted, const std::vector<ListeningSocket>& opened) {
    const std::uint16_t port = wanted.endpoint.port;
    if (port != 0 || !wanted.is_half_of_star) return port;
    const auto half = find(opened, {kEveryV4, 0});
    return half == opened.end() ? port : half->bound.port();
}

/// Returns false for a Unix-domain socket of ours whose file is gone, or has another in its place.
bool has_file(const ListeningSocket& socket) { return !socket.file || socket.file->is_there(); }

/// Removes the files of sockets that close, so that nobody connects behind the last client who is accepted.
std::vector<ListeningSocket> without_files(std::vector<ListeningSocket> closing) {
    for (ListeningSocket& socket : closing) {
        if (socket.file) socket.file->remove();
    }
    return closing;
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
            return "no interface has this address; see those that there are: ip address. With "
                   "freebind = yes it may come later";
        case ENODEV:
            return "there is no such interface; see those that there are: ip link";
        default:
            return {};
    }
}

core::Result<core::Done, std::string> ListeningSockets::adopt(sys::UniqueFd fd,
                                                              const std::string& name) {
    const std::string text = text_of(fd.get());
    const auto bound = sys::local_address(fd.get());
    if (!bound || !sys::is_listening(fd.get())) {
        return fmt::format(
            "the service manager passed {}, which is not a listening stream socket "
            "and is closed; its unit needs ListenStream= and Accept=no",
            called(name, text));
    }
    sys::set_blocking(fd.get(), false);
    sockets_.push_back({.configured = {as_bind(*bound), bound->port()},
                        .bound = *bound,
                        .fd = std::move(fd),
                        .text = text,
                        .passed = true,
                        .name = name});
    return core::Done{};
}

std::string ListeningSockets::describe_passed(const ListeningSocket& socket,
                                              const core::Config& config) {
    if (core::find_listener(config, socket.name)) {
        return fmt::format(
            "using the socket {} from the service manager for the listener of its "
            "name",
            called(socket.name, socket.text));
    }
    std::string served;
    bool other_address = false;
    bool has_options = false;
    for (const core::Listener* listener : core::listeners_of(config)) {
        for (const core::Endpoint& bind : listener->bind) {
            if (!serves_any(socket, bind)) continue;
            if (!served.empty()) served += " and ";
            served += fmt::format("bind = {}", core::to_string(bind));
            has_options |= bind.is_unix() && socket.configured != bind;
            other_address |= socket.configured != bind;
        }
    }
    if (served.empty()) return fmt::format("also listening on {}", with_source(socket));
    if (other_address && takes_all(socket)) {
        return fmt::format("{}, takes both families and stands for {}", with_source(socket),
                           served);
    }
    return fmt::format("using the socket {} from the service manager for the bind of its address{}",
                       called(socket.name, socket.text),
                       has_options ? ", whose mode, user and group have no effect: set SocketMode, "
                                     "SocketUser and SocketGroup in its unit"
                                   : "");
}

std::string ListeningSockets::find_unbound(const core::Config& config) const {
    for (const core::Listener& listener : config.listeners) {
        const bool is_passed = std::ranges::any_of(sockets_, [&](const ListeningSocket& socket) {
            return socket.passed && socket.name == std::string_view(listener.name);
        });
        if (listener.bind.empty() && !is_passed) return std::string(listener.name);
    }
    return {};
}

/// Returns an error of `wanted` that names the passed socket which has its port, if there is one.
sys::SysError ListeningSockets::with_advice(sys::SysError error,
                                            const core::Endpoint& wanted) const {
    if (error.code != EADDRINUSE) return error;
    const auto holder = std::ranges::find_if(sockets_, [&](const ListeningSocket& socket) {
        return prevents(socket, wanted) && has_file(socket);
    });
    if (holder == sockets_.end()) return error;
    if (!holder->passed) {
        error.advice = fmt::format(
            "this portsplitd listens on {} until the reload is done; stop and start it for such a "
            "change",
            holder->text);
        return error;
    }
    error.advice = fmt::format("{}, has this {}; delete the bind, or change the socket unit",
                               with_source(*holder), wanted.is_unix() ? "path" : "port");
    return error;
}

sys::Result<ListeningSockets::Opened> ListeningSockets::open_missing(const core::Config& config,
                                                                     LostFile lost) const {
    Opened missing;
    for (const Wanted& wanted : wanted_of(config)) {
        const auto there = find(sockets_, wanted.endpoint);
        const bool may_stay =
            lost == LostFile::Keep || (there != sockets_.end() && has_file(*there));
        if (there != sockets_.end() && may_stay) continue;
        auto opened = open_one(wanted.endpoint, port_for(wanted, missing.sockets), wanted.options);
        if (opened) {
            const bool is_multipath = sys::is_multipath(opened->fd.get());
            if (wanted.options.multipath && !is_multipath && !wanted.endpoint.is_unix()) {
                missing.without_multipath.push_back(wanted.endpoint);
            }
            missing.sockets.push_back(std::move(*opened));
        } else if (wanted.is_half_of_star && opened.error().code == EAFNOSUPPORT) {
            // `*` means each family that the kernel has.
            missing.skipped.push_back(wanted.endpoint);
        } else {
            return with_advice(opened.error(), wanted.endpoint);
        }
    }
    return missing;
}

std::vector<ListeningSocket> ListeningSockets::change_to(const core::Config& config,
                                                         std::vector<ListeningSocket> missing) {
    const std::vector<Wanted> all = wanted_of(config);
    std::vector<ListeningSocket> next;
    for (ListeningSocket& socket : sockets_) {
        if (socket.passed) next.push_back(std::move(socket));
    }
    std::erase_if(sockets_, [](const ListeningSocket& socket) { return socket.passed; });
    for (ListeningSocket& socket : next) {
        const auto of_address = std::ranges::find_if(
            all, [&](const Wanted& it) { return serves(socket, it.endpoint); });
        const std::size_t by_address = of_address == all.end() ? 0 : of_address->listener;
        socket.listener = core::find_listener(config, socket.name).value_or(by_address);
    }
    for (const Wanted& wanted : all) {
        // The order matters: a socket that was opened in place of one without its file is among the missing.
        for (std::vector<ListeningSocket>* source : {&missing, &sockets_}) {
            const auto found = find(*source, wanted.endpoint);
            if (found == source->end()) continue;
            found->listener = wanted.listener;
            next.push_back(std::move(*found));
            source->erase(found);
            break;
        }
    }
    return without_files(std::exchange(sockets_, std::move(next)));
}

std::vector<ListeningSocket> ListeningSockets::close() {
    std::erase_if(sockets_, [](const ListeningSocket& socket) { return socket.passed; });
    return without_files(std::exchange(sockets_, {}));
}

std::vector<core::Endpoint> ListeningSockets::find_unchanged_options(
    const core::Config& config) const {
    std::vector<core::Endpoint> unchanged;
    for (const Wanted& wanted : wanted_of(config)) {
        const auto socket = find(sockets_, wanted.endpoint);
        const bool stays = socket != sockets_.end() && !socket->passed && !socket->file;
        if (stays && socket->options != wanted.options) unchanged.push_back(wanted.endpoint);
    }
    return unchanged;
}

std::vector<sys::SysError> ListeningSockets::change_files(const core::Config& config) {
    std::vector<sys::SysError> errors;
    for (const Wanted& wanted : wanted_of(config)) {
        const auto socket = find(sockets_, wanted.endpoint);
        if (socket == sockets_.end() || !socket->file || socket->configured == wanted.endpoint) {
            continue;
        }
        const auto changed = socket->file->change(access_of(core::unix_socket(wanted.endpoint)));
        if (changed) {
            socket->configured = wanted.endpoint;
        } else {
            errors.push_back(changed.error());
        }
    }
    return errors;
}

bool ListeningSockets::has_passed() const {
    return std::any_of(sockets_.begin(), sockets_.end(),
                       [](const ListeningSocket& socket) { return socket.passed; });
}

std::string ListeningSockets::text_for(const core::Config& config,
                                       const std::vector<ListeningSocket>& missing) const {
    const std::vector<Wanted> all = wanted_of(config);
    const auto is_wanted = [&](const ListeningSocket& socket) {
        return std::ranges::any_of(all,
                                   [&](const Wanted& it) { return serves(socket, it.endpoint); });
    };
    std::string text;
    const auto add = [&text](const ListeningSocket& socket) {
        if (!socket.bound.is_valid()) return;
        if (!text.empty()) text += ' ';
        text += takes_all(socket)        ? fmt::format("*:{}", socket.bound.port())
                : socket.bound.is_unix() ? std::string(as_bind(socket.bound))
                                         : socket.bound.text();
    };
    for (const ListeningSocket& socket : sockets_) {
        const bool is_replaced = find(missing, socket.configured) != missing.end();
        if ((socket.passed || is_wanted(socket)) && !is_replaced) add(socket);
    }
    for (const ListeningSocket& socket : missing) add(socket);
    return text;
}

std::string ListeningSockets::text() const {
    std::string text;
    for (const ListeningSocket& socket : sockets_) {
        if (!text.empty()) text += ' ';
        text += socket.text;
    }
    return text;
}

}  // namespace portsplit::daemon
