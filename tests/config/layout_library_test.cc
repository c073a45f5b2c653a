// The layouts of the library, with the recorded first bytes of real clients.

#include "support/layout_library.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/layout_run.h"

namespace portsplit::config {
namespace {

using State = core::LayoutRun::State;

/// Returns `fits FIELD=VALUE,VALUE ...`, with the fields in the order of the layout.
std::string read_with(const core::Layout& layout, const std::string& stream) {
    core::LayoutRun run(layout);
    for (std::size_t i = 0; i < layout.fields().size(); ++i) run.want(i);
    run.want_end();
    run.advance(core::as_bytes(stream));
    std::string text = run.state() == State::Fits     ? "fits"
                       : run.state() == State::Failed ? "failed"
                                                      : "more";
    for (std::size_t i = 0; i < layout.fields().size(); ++i) {
        std::string values;
        for (const core::FieldValue& value : run.field(i).values) {
            values += (values.empty() ? "" : ",") + value.text;
        }
        if (!run.field(i).values.empty()) {
            text.append(" ").append(layout.fields()[i].name).append("=").append(values);
        }
    }
    return text;
}

TEST(LayoutLibrary, HasNoErrorAndNoWarning) {
    std::size_t layouts = 0;
    for (const auto& file : std::filesystem::directory_iterator(kPatterns / "layouts")) {
        (void)library_layout(file.path().stem());
        ++layouts;
    }
    EXPECT_GE(layouts, 14U);
}

TEST(LayoutLibrary, ExplainsEachField) {
    for (const auto& file : std::filesystem::directory_iterator(kPatterns / "layouts")) {
        const std::string text = content_of(file.path());
        EXPECT_NE(text.find("\n# Source: "), text.npos) << file.path();
        const core::Layout layout = library_layout(file.path().stem());
        for (const core::Layout::Field& field : layout.fields()) {
            EXPECT_NE(text.find("\n# Field " + std::string(field.name) + ": "), text.npos)
                << file.path() << ": " << field.name;
        }
    }
}

TEST(LayoutLibrary, ReadsTheFieldsOfRealClients) {
    const std::map<std::string, std::map<std::string, std::string>> expected{
        {"tls",
         {{"tls-1.3/curl", "fits sni=server.example alpn=h2,http/1.1 version=772,771,770,769"},
          {"tls-1.3/openssl", "fits sni=server.example version=772,771,770,769"},
          {"tls-1.3/gnutls", "fits sni=server.example version=772"},
          {"tls-1.3/kdig", "fits sni=server.example alpn=dot version=772,771,770,769"},
          {"tls-1.3/python", "fits sni=server.example alpn=http/1.1 version=772,771,770,769"},
          {"tls-1.3/redis-cli", "fits version=772,771,770,769"},
          {"tls-1.2/openssl-no-name", "fits"},
          {"ssh/openssh", "failed"}}},
        {"http",
         {{"http/curl", "fits method=GET host=server.example path=/"},
          {"http/curl-upgrade", "fits method=GET host=server.example path=/ upgrade=h2c"},
          {"http/curl-proxy", "fits method=GET host=www.example path=/"},
          {"http/caldav", "fits method=PROPFIND host=server.example path=/"},
          {"tls-1.3/curl", "failed"}}},
        {"http-connect", {{"http/curl-connect", "fits host=www.example port=80"}}},
        {"postgresql",
         {{"postgresql/psql-disable", "fits database=data user=user"},
          {"postgresql/handmade-gssenc", "failed"}}},
        {"ssh",
         {{"ssh/openssh", "fits software=OpenSSH_9.2p1"},
          {"ssh/putty", "fits software=PuTTY_Release_0.78"}}},
        {"git", {{"git/push", "fits verb=receive-pack path=/project.git host=server.example"}}},
        {"mqtt",
         {{"mqtt/mosquitto_pub-will", "fits client=client"},
          {"mqtt/mosquitto_sub", "fits client="}}},
        {"rdp", {{"rdp/xfreerdp", "fits user=user"}, {"rdp/impacket", "fits"}}},
        {"socks4", {{"socks4/socat-4a", "fits port=20480 host=www.example"}}},
        {"socks5", {{"socks5/curl-password", "more auth=0,1,2"}}},
        {"dns",
         {{"dns/dig", "fits qname=www.example type=1"},
          {"dns/dig-axfr", "fits qname=example type=252"}}},
        {"ldap", {{"ldap/ldapsearch-password", "fits dn=cn=user,dc=example"}}},
        {"kafka", {{"kafka/kcat", "fits client=rdkafka"}}},
        {"xmpp", {{"xmpp/slixmpp", "fits to=server.example"}}},
    };
    for (const auto& [name, clients] : expected) {
        const core::Layout layout = library_layout(name);
        for (const auto& [recording, fields] : clients) {
            EXPECT_EQ(read_with(layout, recorded(recording)), fields) << name << ", " << recording;
        }
    }
}

/// Returns a ClientHello in records of other sizes, which repeat.
std::string in_records(const std::string& hello, const std::vector<std::size_t>& sizes) {
    std::string message;
    for (std::size_t at = 0; at < hello.size();) {
        const std::size_t size = static_cast<unsigned char>(hello[at + 3]) * 256U +
                                 static_cast<unsigned char>(hello[at + 4]);
        message += hello.substr(at + 5, size);
        at += 5 + size;
    }
    std::string stream;
    for (std::size_t at = 0, i = 0; at < message.size(); ++i) {
        const std::string part = message.substr(at, sizes[i % sizes.size()]);
        stream.append("\x16\x03\x01", 3);
        stream += static_cast<char>(part.size() / 256);
        stream += static_cast<char>(part.size() % 256);
        stream += part;
        at += part.size();
    }
    return stream;
}

TEST(LayoutLibrary, ReadsAClientHelloInAnyRecords) {
    const core::Layout layout = library_layout("tls");
    for (const char* version : {"tls-1.2", "tls-1.3"}) {
        for (const auto& file :
             std::filesystem::directory_iterator(kPatterns / "recordings" / version)) {
            const std::string hello = recorded(version + ("/" + file.path().stem().string()));
            const std::string expected = read_with(layout, hello);
            EXPECT_TRUE(expected.starts_with("fits")) << file.path();
            for (const std::vector<std::size_t>& sizes : std::vector<std::vector<std::size_t>>{
                     {1}, {2}, {3, 1, 7}, {43}, {100}, {512}, {1000, 1}}) {
                EXPECT_EQ(read_with(layout, in_records(hello, sizes)), expected)
                    << file.path() << " in records of " << sizes.front();
            }
        }
    }
}

}  // namespace
}  // namespace portsplit::config
