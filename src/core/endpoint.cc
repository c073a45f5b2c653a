#include "core/endpoint.h"

#include <algorithm>

namespace portsplit::core {

std::string to_string(const Endpoint& endpoint) {
    const std::string host(endpoint.host);
    const bool v6 = host.find(':') != host.npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port);
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
