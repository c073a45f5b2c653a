#pragma once
// What a server makes of the first bytes of a client. The servers are libraries and programs that know
// nothing of layouts, so a test can compare a layout with them.

#include <string>
#include <string_view>
#include <vector>

namespace portsplit::judges {

/// The segments of a stream, in order.
using Segments = std::vector<std::string_view>;

/// What a TLS server says of a ClientHello.
struct TlsOpinion {
    bool accepts = false;   ///< it answered with a ServerHello or a HelloRetryRequest
    std::string complaint;  ///< why it did not
    bool has_read = false;  ///< it read all of the hello, so `name` and `alpn` are what it saw
    std::string name;       ///< as the client wrote it; empty for none
    bool has_alpn = false;  ///< `alpn` is what it saw
    std::vector<std::string> alpn;
    bool is_tls_1_3 = false;  ///< it chose TLS 1.3
};

/// Certificate and key of a test server, in PEM.
struct Identity {
    std::string certificate;
    std::string key;
};

/// Returns true if a server answers with a ServerHello or a HelloRetryRequest, which is one, too.
inline bool is_server_hello(std::string_view answer) {
    return answer.size() > 5 && answer[0] == 0x16 && answer[5] == 2;
}

}  // namespace portsplit::judges
