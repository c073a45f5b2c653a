#include "judges/gnutls_judge.h"

#include <gnutls/x509.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace portsplit::judges {
namespace {

/// One end of a connection in memory.
struct End {
    explicit End(unsigned flags) {
        gnutls_init(&session, flags | GNUTLS_NONBLOCK);
        gnutls_transport_set_ptr(session, this);
        gnutls_transport_set_pull_function(
            session, [](gnutls_transport_ptr_t end, void* to, std::size_t size) {
                return static_cast<End*>(end)->pull(to, size);
            });
        gnutls_transport_set_push_function(
            session, [](gnutls_transport_ptr_t end, const void* from, std::size_t size) {
                static_cast<End*>(end)->out.append(static_cast<const char*>(from), size);
                return static_cast<ssize_t>(size);
            });
    }
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    ~End() { gnutls_deinit(session); }

    ssize_t pull(void* to, std::size_t size) {
        if (in.empty()) {
            gnutls_transport_set_errno(session, EAGAIN);
            return -1;
        }
        size = std::min(size, in.size());
        std::memcpy(to, in.data(), size);
        in.erase(0, size);
        return static_cast<ssize_t>(size);
    }

    gnutls_session_t session = nullptr;
    std::string in;
    std::string out;
};

gnutls_datum_t datum_of(const std::string& text) {
    return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
            static_cast<unsigned>(text.size())};
}

int see_name(gnutls_session_t session) {
    auto& opinion = *static_cast<TlsOpinion*>(gnutls_session_get_ptr(session));
    opinion.has_read = true;
    std::array<char, 4096> name{};
    std::size_t size = name.size();
    unsigned type = 0;
    if (gnutls_server_name_get(session, name.data(), &size, &type, 0) == GNUTLS_E_SUCCESS)
        opinion.name.assign(name.data(), size);
    return GNUTLS_E_SUCCESS;
}

}  // namespace

GnuTlsJudge::GnuTlsJudge(const Identity& identity) {
    gnutls_certificate_allocate_credentials(&credentials_);
    const gnutls_datum_t certificate = datum_of(identity.certificate);
    const gnutls_datum_t key = datum_of(identity.key);
    gnutls_certificate_set_x509_key_mem(credentials_, &certificate, &key, GNUTLS_X509_FMT_PEM);
    gnutls_priority_init(&priority_, "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+3DES-CBC:+SHA1:%COMPAT",
                         nullptr);
}

GnuTlsJudge::~GnuTlsJudge() {
    gnutls_priority_deinit(priority_);
    gnutls_certificate_free_credentials(credentials_);
}

TlsOpinion GnuTlsJudge::judge(const Segments& segments, const std::string& protocol) {
    TlsOpinion opinion;
    End server(GNUTLS_SERVER);
    gnutls_session_set_ptr(server.session, &opinion);
    gnutls_priority_set(server.session, priority_);
    gnutls_credentials_set(server.session, GNUTLS_CRD_CERTIFICATE, credentials_);
    gnutls_handshake_set_post_client_hello_function(server.session, see_name);
    const gnutls_datum_t offered = datum_of(protocol);
    gnutls_alpn_set_protocols(server.session, &offered, 1, 0);
    int error = GNUTLS_E_AGAIN;
    for (const std::string_view segment : segments) {
        server.in += segment;
        do {
            error = gnutls_handshake(server.session);
        } while (error != GNUTLS_E_SUCCESS && gnutls_error_is_fatal(error) == 0 &&
                 !server.in.empty());
        opinion.accepts = is_server_hello(server.out);
        if (opinion.accepts || gnutls_error_is_fatal(error) != 0) break;
    }
    if (!opinion.accepts) {
        opinion.complaint =
            error == GNUTLS_E_AGAIN ? "waits for more" : gnutls_strerror_name(error);
    }
    opinion.has_alpn = opinion.accepts;
    gnutls_datum_t chosen{};
    if (gnutls_alpn_get_selected_protocol(server.session, &chosen) == GNUTLS_E_SUCCESS)
        opinion.alpn.emplace_back(reinterpret_cast<const char*>(chosen.data), chosen.size);
    opinion.is_tls_1_3 =
        opinion.accepts && gnutls_protocol_get_version(server.session) == GNUTLS_TLS1_3;
    return opinion;
}

std::vector<std::string> GnuTlsJudge::hellos() {
    std::vector<std::string> all;
    gnutls_certificate_credentials_t credentials = nullptr;
    gnutls_certificate_allocate_credentials(&credentials);
    const auto add = [&](const std::string& priority, const std::string& name,
                         const std::vector<std::string>& protocols = {}, unsigned flags = 0) {
        End client(GNUTLS_CLIENT | flags);
        gnutls_priority_set_direct(client.session, priority.c_str(), nullptr);
        gnutls_credentials_set(client.session, GNUTLS_CRD_CERTIFICATE, credentials);
        if (!name.empty())
            gnutls_server_name_set(client.session, GNUTLS_NAME_DNS, name.data(), name.size());
        std::vector<gnutls_datum_t> data;
        data.reserve(protocols.size());
        for (const std::string& protocol : protocols) data.push_back(datum_of(protocol));
        if (!data.empty())
            gnutls_alpn_set_protocols(client.session, data.data(),
                                      static_cast<unsigned>(data.size()), 0);
        gnutls_handshake(client.session);
        all.push_back(std::move(client.out));
    };
    for (const char* name :
         {"", "www.example.org", "WWW.Example.ORG", "www.example.org.", "b\303\274cher.example"})
        add("NORMAL", name);
    for (const char* version : {"1.0", "1.1", "1.2", "1.3"})
        add(std::string("NORMAL:-VERS-ALL:+VERS-TLS") + version, "www.example.org");
    add("NORMAL", "alpn.example.org", {"h2", "http/1.1"});
    add("NORMAL:-VERS-TLS1.3", "", {"imap", std::string(32, 'p'), "h2"});
    add("NORMAL:%DISABLE_TLS13_COMPAT_MODE:%NO_TICKETS", "compat.example.org");
    add("NORMAL", "early.example.org", {"h2"}, GNUTLS_ENABLE_EARLY_START | GNUTLS_KEY_SHARE_TOP3);
    add("NORMAL:%NO_EXTENSIONS:-VERS-TLS1.3", "");
    add("PERFORMANCE:-GROUP-ALL:+GROUP-FFDHE4096", "large.example.org");
    gnutls_certificate_free_credentials(credentials);
    return all;
}

}  // namespace portsplit::judges
