#include "judges/openssl_judge.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "judges/client_hello.h"

// The macros of OpenSSL have such casts.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace portsplit::judges {
namespace {

/// Takes all bytes out of a memory BIO.
std::string taken_from(BIO* bio) {
    std::string bytes(BIO_ctrl_pending(bio), '\0');
    if (!bytes.empty()) BIO_read(bio, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
}

/// One end of a connection in memory.
struct End {
    explicit End(SSL_CTX* context) : ssl(SSL_new(context)) { SSL_set_bio(ssl.get(), in, out); }

    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    OpenSslConnection ssl;
};

TlsOpinion& opinion_of(SSL* ssl) { return *static_cast<TlsOpinion*>(SSL_get_app_data(ssl)); }

int see_name(SSL* ssl, int* /*alert*/, void* /*argument*/) {
    if (SSL_get_app_data(ssl) == nullptr) return SSL_TLSEXT_ERR_OK;
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    opinion_of(ssl).has_read = true;
    if (name != nullptr) opinion_of(ssl).name = name;
    return SSL_TLSEXT_ERR_OK;
}

int see_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
             const unsigned char* list, unsigned size, void* /*argument*/) {
    if (SSL_get_app_data(ssl) == nullptr) return SSL_TLSEXT_ERR_NOACK;
    const std::string text(reinterpret_cast<const char*>(list), size);
    for (Taker taker(text); !taker.is_empty();)
        opinion_of(ssl).alpn.push_back(taker.take_behind_length(1));
    *chosen_size = list[0];
    *chosen = list + 1;
    return SSL_TLSEXT_ERR_OK;
}

/// Takes in as much as it can of what it got.
void go_on(SSL* ssl) {
    ERR_clear_error();
    SSL_do_handshake(ssl);
}

}  // namespace

Identity make_identity() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    BIO* bio = BIO_new(BIO_s_mem());
    Identity identity;
    PEM_write_bio_X509(bio, certificate);
    identity.certificate = taken_from(bio);
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    identity.key = taken_from(bio);
    BIO_free(bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return identity;
}

// --- the server ---

OpenSslJudge::OpenSslJudge(const Identity& identity) : context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX* context = context_.get();
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, 0);
    SSL_CTX_set_cipher_list(context, "ALL");
    SSL_CTX_set_max_early_data(context, 16'384);
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("judge"), 5);
    BIO* bio =
        BIO_new_mem_buf(identity.certificate.data(), static_cast<int>(identity.certificate.size()));
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context, certificate);
    X509_free(certificate);
    BIO_free(bio);
    bio = BIO_new_mem_buf(identity.key.data(), static_cast<int>(identity.key.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);
    BIO_free(bio);
    SSL_CTX_set_tlsext_servername_callback(context, see_name);
    SSL_CTX_set_alpn_select_cb(context, see_alpn, nullptr);
}

TlsOpinion OpenSslJudge::judge(const Segments& segments) {
    TlsOpinion opinion;
    End server(context_.get());
    SSL_set_app_data(server.ssl.get(), &opinion);
    SSL_set_accept_state(server.ssl.get());
    for (const std::string_view segment : segments) {
        BIO_write(server.in, segment.data(), static_cast<int>(segment.size()));
        go_on(server.ssl.get());
        opinion.accepts = is_server_hello(taken_from(server.out));
        const unsigned long error = ERR_peek_error();
        if (error != 0) {
            const char* reason = ERR_reason_error_string(error);
            opinion.complaint = reason == nullptr ? "an error without a name" : reason;
        }
        if (opinion.accepts || error != 0) break;
    }
    if (!opinion.accepts && opinion.complaint.empty()) opinion.complaint = "waits for more";
    opinion.has_alpn = opinion.accepts || !opinion.alpn.empty();
    opinion.is_tls_1_3 = opinion.accepts && SSL_version(server.ssl.get()) == TLS1_3_VERSION;
    return opinion;
}

// --- the client ---

namespace {

using Setting = std::function<void(SSL*)>;

OpenSslContext client_context() {
    OpenSslContext context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), 0);
    return context;
}

std::string hello_of(SSL_CTX* context, const Setting& setting) {
    End client(context);
    setting(client.ssl.get());
    SSL_set_connect_state(client.ssl.get());
    go_on(client.ssl.get());
    return taken_from(client.out);
}

void set_alpn(SSL* ssl, const std::string& list) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
}

/// Returns a list of protocols of this size or a little more.
std::string long_list(std::size_t size) {
    std::string list;
    for (std::size_t i = 0; list.size() < size; ++i)
        list += behind_length(1, "protocol-" + std::to_string(i));
    return list;
}

Setting only_version(int version) {
    return [=](SSL* ssl) {
        SSL_set_tlsext_host_name(ssl, "www.example.org");
        SSL_set_min_proto_version(ssl, version);
        SSL_set_max_proto_version(ssl, version);
    };
}

/// Returns a session of a whole connection to a server.
SSL_SESSION* session_with(SSL_CTX* server_context, SSL_CTX* client_context,
                          const Setting& setting) {
    End client(client_context);
    End server(server_context);
    setting(client.ssl.get());
    SSL_set_connect_state(client.ssl.get());
    SSL_set_accept_state(server.ssl.get());
    const auto pass = [](End& from, End& to) {
        const std::string bytes = taken_from(from.out);
        BIO_write(to.in, bytes.data(), static_cast<int>(bytes.size()));
    };
    for (int i = 0; i < 4; ++i) {
        go_on(client.ssl.get());
        pass(client, server);
        go_on(server.ssl.get());
        pass(server, client);
    }
    char byte = 0;
    SSL_read(client.ssl.get(), &byte, 1);  // takes the tickets of TLS 1.3
    return SSL_get1_session(client.ssl.get());
}

int add_bytes(SSL* /*ssl*/, unsigned /*type*/, unsigned /*context*/, const unsigned char** out,
              std::size_t* size, X509* /*certificate*/, std::size_t /*chain*/, int* /*alert*/,
              void* argument) {
    const auto& bytes = *static_cast<std::string*>(argument);
    *out = reinterpret_cast<const unsigned char*>(bytes.data());
    *size = bytes.size();
    return 1;
}

}  // namespace

std::vector<std::string> OpenSslJudge::hellos() {
    std::vector<std::string> all;
    const OpenSslContext context = client_context();
    const auto add = [&](const Setting& setting) {
        all.push_back(hello_of(context.get(), setting));
    };
    const auto name = [](const char* text) {
        return [=](SSL* ssl) { SSL_set_tlsext_host_name(ssl, text); };
    };
    add([](SSL*) {});
    for (const char* text :
         {"www.example.org", "WWW.Example.ORG", "www.example.org.", "a", "localhost",
          "xn--bcher-kva.example", "under_score.example", "192.0.2.7", "*.example", "."})
        add(name(text));
    add(name(std::string(255, 'a').c_str()));
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION})
        add(only_version(version));
    for (const std::string& list :
         {behind_length(1, "h2"), behind_length(1, "h2") + behind_length(1, "http/1.1"),
          behind_length(1, std::string(255, 'p')), long_list(300), long_list(3'400),
          long_list(31'000)}) {
        add([&](SSL* ssl) {
            SSL_set_tlsext_host_name(ssl, "alpn.example.org");
            set_alpn(ssl, list);
        });
    }
    add([&](SSL* ssl) {  // no name and no TLS 1.3, behind a long list
        SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
        set_alpn(ssl, long_list(20'000));
    });
    add([](SSL* ssl) {
        SSL_set_tlsext_host_name(ssl, "groups.example.org");
        SSL_set1_groups_list(ssl, "P-521:P-384:P-256:X25519");
        SSL_set_options(ssl, SSL_OP_NO_TICKET);
        SSL_clear_options(ssl, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
        SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    });

    // Unknown extensions: as GREASE (RFC 8701), and as large as a key share of ML-KEM.
    const OpenSslContext unknown = client_context();
    std::vector<std::string> bodies{"", std::string(1, '\0'), std::string(1'216, 'k')};
    unsigned type = 0x0A0A;
    for (std::string& body : bodies) {
        SSL_CTX_add_custom_ext(unknown.get(), type, SSL_EXT_CLIENT_HELLO, add_bytes, nullptr, &body,
                               nullptr, nullptr);
        type += 0x1010;
    }
    all.push_back(hello_of(unknown.get(), name("unknown.example.org")));

    // Tickets, with early data in TLS 1.3. The tickets of TLS 1.2 are of another server: a server that
    // knows one would see the name of the session, not of the hello (SSL_get_servername(3)).
    const OpenSslContext resuming = client_context();
    const OpenSslContext other(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(other.get(), SSL_CTX_get0_certificate(context_.get()));
    SSL_CTX_use_PrivateKey(other.get(), SSL_CTX_get0_privatekey(context_.get()));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const bool is_old = version == TLS1_2_VERSION;
        SSL_SESSION* session = session_with(is_old ? other.get() : context_.get(), resuming.get(),
                                            only_version(version));
        End client(resuming.get());
        only_version(version)(client.ssl.get());
        SSL_set_session(client.ssl.get(), session);
        SSL_SESSION_free(session);
        SSL_set_connect_state(client.ssl.get());
        std::size_t written = 0;
        if (!is_old) SSL_write_early_data(client.ssl.get(), "early", 5, &written);
        go_on(client.ssl.get());
        all.push_back(taken_from(client.out));
    }
    return all;
}

}  // namespace portsplit::judges
