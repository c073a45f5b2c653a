#include "core/endpoint.h"

namespace portsplit::core {

std::string to_string(const Endpoint& endpoint) {
    const std::string host(endpoint.host);
    const bool v6 = host.find(':') != host.npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port);
}

}  // namespace portsplit::core
