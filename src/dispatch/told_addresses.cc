#include "dispatch/told_addresses.h"

#include <stdlib.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace portsplit::dispatch {
namespace {

/// The names of two variables.
struct Pair {
    const char* host;
    const char* port;
};

constexpr Pair kPeerOfUcspi{"TCPREMOTEIP", "TCPREMOTEPORT"};
constexpr std::array kPeers{
    kPeerOfUcspi,
    Pair{"REMOTE_ADDR", "REMOTE_PORT"},
    Pair{"REMOTE_HOST", "REMOTE_PORT"},
    Pair{"SOCAT_PEERADDR", "SOCAT_PEERPORT"},
    Pair{"NCAT_REMOTE_ADDR", "NCAT_REMOTE_PORT"},
};
constexpr Pair kLocalOfUcspi{"TCPLOCALIP", "TCPLOCALPORT"};
constexpr std::array kLocals{
    kLocalOfUcspi,
    Pair{"SOCAT_SOCKADDR", "SOCAT_SOCKPORT"},
    Pair{"NCAT_LOCAL_ADDR", "NCAT_LOCAL_PORT"},
};

/// Returns the port in a variable: 0 if it is not set; none if it is no port.
std::optional<std::uint16_t> port_in(const char* variable) {
    const char* text = ::getenv(variable);
    if (text == nullptr) return std::uint16_t{0};
    const std::string_view whole = text;
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(whole.begin(), whole.end(), port);
    if (error != std::errc() || end != whole.end()) return std::nullopt;
    return port;
}

/// Returns the address of two variables; none if the host is not set or one of them is malformed.
std::optional<sys::Address> told(const Pair& pair) {
    const char* host = ::getenv(pair.host);
    const auto port = port_in(pair.port);
    if (host == nullptr || !port) return std::nullopt;
    std::string_view text = host;
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    const core::Endpoint endpoint{core::Text(text), *port};
    return endpoint.is_unix() ? std::nullopt : sys::Address::from(endpoint);
}

template <typename Pairs>
std::optional<sys::Address> first_told(const Pairs& pairs) {
    for (const Pair& pair : pairs) {
        if (const auto address = told(pair)) return address;
    }
    return std::nullopt;
}

/// Returns the address of the environment unless it is that of the socket without its port.
sys::Address better(const sys::Address& of_socket, const std::optional<sys::Address>& told) {
    if (!told) return of_socket;
    const bool says_less =
        told->port() == 0 && of_socket.is_internet() && of_socket.ip() == told->ip();
    return says_less ? of_socket : *told;
}

bool may_be_client(const sys::Address& peer) {
    return peer.is_internet() && !peer.ip().is_loopback();
}

}  // namespace

sys::Ends told_ends(const sys::Ends& of_socket) {
    if (!may_be_client(of_socket.peer)) {
        return {better(of_socket.peer, first_told(kPeers)),
                better(of_socket.local, first_told(kLocals))};
    }
    return {better(of_socket.peer, told(kPeerOfUcspi)),
            better(of_socket.local, told(kLocalOfUcspi))};
}

}  // namespace portsplit::dispatch
