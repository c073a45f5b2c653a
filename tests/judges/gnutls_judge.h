#pragma once
// GnuTLS as a server that judges hellos, and as a client that makes them. Both in memory.

#include <gnutls/gnutls.h>

#include <string>
#include <vector>

#include "judges/judge.h"

namespace portsplit::judges {

class GnuTlsJudge {
  public:
    explicit GnuTlsJudge(const Identity& identity);
    GnuTlsJudge(const GnuTlsJudge&) = delete;
    GnuTlsJudge& operator=(const GnuTlsJudge&) = delete;
    ~GnuTlsJudge();

    /// @param protocol  the only one that the server offers; it is in the opinion's `alpn` if the client
    ///                  offers it, too. GnuTLS does not show the client's list.
    TlsOpinion judge(const Segments& segments, const std::string& protocol);

    /// Returns first streams of GnuTLS's client with many settings.
    static std::vector<std::string> hellos();

  private:
    gnutls_certificate_credentials_t credentials_ = nullptr;
    gnutls_priority_t priority_ = nullptr;
};

}  // namespace portsplit::judges
