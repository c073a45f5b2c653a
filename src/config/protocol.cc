#include "config/protocol.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "config/wording.h"

namespace portsplit::config {
namespace {

constexpr std::string_view kServerFirst = "";
constexpr std::string_view kUdp = "udp";

struct Protocol {
    std::string_view name;
    /// The entry that recognises it, or one of the two above.
    std::string_view entry;
};

/// Without the protocols that have an entry of their own name.
constexpr auto kProtocols = std::to_array<Protocol>({
    // Protocols inside TLS: all begin with its ClientHello.
    {"https", "tls"},
    {"ssl", "tls"},
    {"wss", "tls"},
    {"imaps", "tls"},
    {"pop3s", "tls"},
    {"smtps", "tls"},
    {"submissions", "tls"},
    {"ftps", "tls"},
    {"ldaps", "tls"},
    {"ircs", "tls"},
    {"sips", "tls"},
    {"amqps", "tls"},
    {"mqtts", "tls"},
    // Other names.
    {"ws", "http"},
    {"websocket", "http"},
    {"h2", "http2"},
    {"h2c", "http2"},
    {"grpc", "http2"},
    {"sftp", "ssh"},
    {"scp", "ssh"},
    {"postgres", "postgresql"},
    {"pgsql", "postgresql"},
    {"jabber", "xmpp"},
    {"socks", "socks5"},
    {"cifs", "smb"},
    {"samba", "smb"},
    {"sqlserver", "mssql"},
    {"torrent", "bittorrent"},
    {"proxy", "proxy-protocol"},
    {"valkey", "redis"},
    // Protocols of which the server speaks first.
    {"smtp", kServerFirst},
    {"submission", kServerFirst},
    {"lmtp", kServerFirst},
    {"imap", kServerFirst},
    {"pop3", kServerFirst},
    {"sieve", kServerFirst},
    {"managesieve", kServerFirst},
    {"ftp", kServerFirst},
    {"nntp", kServerFirst},
    {"mysql", kServerFirst},
    {"mariadb", kServerFirst},
    {"vnc", kServerFirst},
    {"rfb", kServerFirst},
    {"svn", kServerFirst},
    // Protocols over UDP.
    {"wireguard", kUdp},
    {"quic", kUdp},
    {"http3", kUdp},
    {"h3", kUdp},
    {"dtls", kUdp},
    {"ntp", kUdp},
    {"tftp", kUdp},
    {"snmp", kUdp},
});

}  // namespace

std::string advice_on_protocol(std::string_view name) {
    const auto protocol = std::ranges::find_if(kProtocols, [&](const Protocol& it) {
        return it.name == name || same_but_for_case(it.name, name);
    });
    if (protocol == kProtocols.end()) return {};
    if (protocol->entry == kServerFirst) {
        return fmt::format(
            "the server of {} speaks first, so its client cannot be recognised; see "
            "portsplit-patterns(7)",
            protocol->name);
    }
    if (protocol->entry == kUdp) {
        return fmt::format("{} uses UDP, and Portsplit serves TCP alone", protocol->name);
    }
    return fmt::format("write include = {}, which recognises {} too", protocol->entry,
                       protocol->name);
}

}  // namespace portsplit::config
