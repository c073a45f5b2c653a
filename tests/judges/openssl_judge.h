#pragma once
// OpenSSL as a server that judges hellos, and as a client that makes them. Both in memory.

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "judges/judge.h"

namespace portsplit::judges {

struct FreeOpenSsl {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using OpenSslContext = std::unique_ptr<SSL_CTX, FreeOpenSsl>;
using OpenSslConnection = std::unique_ptr<SSL, FreeOpenSsl>;

/// Makes a self-signed certificate.
Identity make_identity();

class OpenSslJudge {
  public:
    explicit OpenSslJudge(const Identity& identity);

    TlsOpinion judge(const Segments& segments);

    /// Returns first streams of OpenSSL's client with many settings.
    std::vector<std::string> hellos();

  private:
    OpenSslContext context_;
};

}  // namespace portsplit::judges
