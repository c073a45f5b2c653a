#include "core/endpoint.h"

#include <algorithm>
#include <array>

namespace portsplit::core {

std::string to_string(const Endpoint& endpoint) {
    const std::string host(endpoint.host);
    if (endpoint.is_unix()) return host;
    const bool v6 = host.find(':') != host.npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port);
}

UnixSocket unix_socket(const Endpoint& endpoint) {
    return read_unix_socket(std::string_view(endpoint.host).substr(Endpoint::kUnix.size()));
}

UnixSocket read_unix_socket(std::string_view text) {
    struct Option {
        std::string_view name;
        std::string_view UnixSocket::*value;
    };
    static constexpr std::array kOptions{Option{"mode=", &UnixSocket::mode},
                                         Option{"user=", &UnixSocket::user},
                                         Option{"group=", &UnixSocket::group}};
    const auto take = [&text] {
        const std::string_view part = text.substr(0, text.find(','));
        text.remove_prefix(std::min(part.size() + 1, text.size()));
        return part;
    };
    UnixSocket socket;
    socket.path = take();
    while (!text.empty()) {
        const std::string_view whole = text;
        const std::string_view part = take();
        const auto option = std::ranges::find_if(
            kOptions, [&](const Option& it) { return part.starts_with(it.name); });
        const bool is_new = option != kOptions.end() && (socket.*option->value).empty();
        if (!is_new || part.size() == option->name.size()) {
            socket.rest = whole;
            return socket;
        }
        socket.*option->value = part.substr(option->name.size());
    }
    return socket;
}

bool is_localhost(std::string_view host) {
    constexpr std::string_view kName = "localhost";
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.size() < kName.size()) return false;
    const std::string_view above = host.substr(0, host.size() - kName.size());
    host.remove_prefix(above.size());
    return (above.empty() || (above.size() > 1 && above.ends_with('.'))) &&
           std::equal(host.begin(), host.end(), kName.begin(),
                      [](char a, char b) { return (a | 0x20) == b; });
}

}  // namespace portsplit::core
