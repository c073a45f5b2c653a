#pragma once
// ClientHellos of real clients: of OpenSSL and GnuTLS in this process, and the recorded ones.

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "judges/gnutls_judge.h"
#include "judges/openssl_judge.h"
#include "support/layout_library.h"

namespace portsplit::judges {

/// Returns the recorded ClientHellos of the library.
inline std::vector<std::string> recorded_hellos() {
    std::vector<std::string> hellos;
    for (const char* version : {"tls", "tls-1.0", "tls-1.1", "tls-1.2", "tls-1.3"}) {
        std::vector<std::string> names;
        for (const auto& file :
             std::filesystem::directory_iterator(kPatterns / "recordings" / version))
            names.push_back(version + ("/" + file.path().stem().string()));
        std::sort(names.begin(), names.end());
        for (const std::string& name : names) {
            std::string hello = recorded(name);
            if (hello.starts_with('\x16'))
                hellos.push_back(std::move(hello));  // not the form of SSL 2.0
        }
    }
    return hellos;
}

inline std::vector<std::string> all_hellos(OpenSslJudge& openssl) {
    std::vector<std::string> all = openssl.hellos();
    for (const auto& some : {GnuTlsJudge::hellos(), recorded_hellos()})
        all.insert(all.end(), some.begin(), some.end());
    return all;
}

}  // namespace portsplit::judges
