// The layouts of the library with the longest and the rarest streams that clients may send, and with streams
// that no client sends.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "manual/library.h"

namespace portsplit::manual {
namespace {

using namespace std::string_literals;

struct Case {
    std::string layout;
    std::string what;
    std::string stream;
    std::string expected;  ///< `fits`, `more` or `failed`, and the values
};

std::string result_of(const Case& it) {
    const Reading reading = read_stream(read_layout(it.layout).layout, it.stream);
    const char* end = reading.end == Reading::End::Fits     ? "fits"
                      : reading.end == Reading::End::Failed ? "failed"
                                                            : "more";
    return end + (reading.values.empty() ? "" : " " + reading.values);
}

void expect_all(const std::vector<Case>& cases) {
    for (const Case& it : cases)
        EXPECT_EQ(result_of(it), it.expected) << it.layout << ": " << it.what;
}

/// Returns a number of some bytes, the most significant first.
std::string number(std::size_t value, std::size_t bytes) {
    std::string text;
    while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes));
    return text;
}
std::string u16(const std::string& text) { return number(text.size(), 2) + text; }

std::string varint(std::size_t value) {
    std::string text;
    for (; value > 0x7F; value >>= 7) text += static_cast<char>(value | 0x80);
    return text + static_cast<char>(value);
}
std::string varint_text(const std::string& text) { return varint(text.size()) + text; }

/// Returns an element of ASN.1 with a length of four bytes, as Windows writes it.
std::string ber(char tag, const std::string& text) {
    return tag + "\x84"s + number(text.size(), 4) + text;
}

std::string http(const std::string& head) { return head + "\r\n\r\n"; }
std::string many(std::size_t count) { return std::string(count, 'a'); }

TEST(LayoutBounds, OfHttp) {
    const std::string get = "GET / HTTP/1.1\r\n";
    expect_all({
        {"http", "a cookie of 8 KiB before Host",
         http(get + "Cookie: " + many(8182) + "\r\nHost: a.example"),
         "fits method=GET host=a.example path=/"},
        {"http", "a token of 15 KiB",
         http(get + "Authorization: Negotiate " + many(15000) + "\r\nHost: a"),
         "fits method=GET host=a path=/"},
        {"http", "a path of 8 KiB", http("GET /" + many(8189) + " HTTP/1.1\r\nHost: a"),
         "fits method=GET host=a path=/" + many(8189)},
        {"http", "a path that no server takes", "GET /" + many(16384) + " HTTP/1.1\r\n",
         "failed method=GET path=/" + many(16383)},
        {"http", "RD Gateway", http("RDG_OUT_DATA /remoteDesktopGateway/ HTTP/1.1\r\nHost: a"),
         "fits method=RDG_OUT_DATA host=a path=/remoteDesktopGateway/"},
        {"http", "the longest method", http("UPDATEREDIRECTREF / HTTP/1.1\r\nHost: a"),
         "fits method=UPDATEREDIRECTREF host=a path=/"},
        {"http", "an IPv6 address", http(get + "Host: [2001:db8::1]:8080"),
         "fits method=GET host=2001:db8::1 path=/"},
        {"http", "blanks and tabs around the host", http(get + "HOST:\t a.Example. \t"),
         "fits method=GET host=a.example path=/"},
        {"http", "no blank before the host", http(get + "Host:a"), "fits method=GET host=a path=/"},
        {"http", "an empty host", http(get + "Host:\r\nAccept: */*"), "fits method=GET path=/"},
        {"http", "an absolute target with an IPv6 address",
         http("GET http://[::1]:80/x HTTP/1.1\r\nHost: b"), "fits method=GET host=::1 path=/x"},
        {"http", "an absolute target without a path", http("OPTIONS http://a HTTP/1.1\r\nHost: b"),
         "fits method=OPTIONS host=a path="},
        {"http", "several protocols", http(get + "Host: a\r\nUpgrade: h2c, WebSocket"),
         "fits method=GET host=a path=/ upgrade=h2c"},
        {"http", "a protocol without blanks", http(get + "Host: a\r\nUpgrade:websocket"),
         "fits method=GET host=a path=/ upgrade=websocket"},
        {"http", "a host behind a bare LF, which servers read", http(get + "X: y\nHost: a"),
         "fits method=GET host=a path=/"},
        {"http", "Icecast", "SOURCE /live.ogg ICE/1.0\r\n", "failed method=SOURCE path=/live.ogg"},
        {"http-connect", "a host of 255 bytes", http("CONNECT " + many(255) + ":443 HTTP/1.1"),
         "fits host=" + many(255) + " port=443"},
    });
}

TEST(LayoutBounds, OfLogins) {
    const std::string connect = "\0\4MQTT\5\x02\0\x3c"s;
    const std::string mqtt = connect + "\0"s + u16(many(65535));
    const std::string will = "\0\4MQTT\4\xee\0\x3c"s + u16("id") + u16("topic") + u16(many(65535)) +
                             u16("user") + u16(many(65535));
    const std::string bind = "\2\1\1"s + ber('\x60', "\2\1\3"s + ber('\4', "cn=" + many(1000)) +
                                                         ber('\xa3', many(65535)));
    const std::string startup = "\0\3\0\0user\0u\0database\0"s;
    expect_all({
        {"mqtt", "the longest client", "\x10" + varint_text(mqtt), "fits client=" + many(65535)},
        {"mqtt", "a long will and password", "\x10" + varint_text(will),
         "fits client=id user=user"},
        {"mqtt", "a will of MQTT 5",
         "\x10" + varint_text("\0\4MQTT\5\x84\0\0\0"s + u16("id") + "\0"s + u16("t") + u16("w") +
                              u16("u")),
         "fits client=id user=u"},
        {"mqtt", "a bridge of MQTT 3.1",
         "\x10" + varint_text("\0\6MQIsdp\x83\2\0\x3c"s + u16("id")), "fits client=id"},
        {"ldap", "a ticket of Kerberos", ber('\x30', bind), "fits dn=cn=" + many(1000)},
        {"postgresql", "10,004 bytes", number(10004, 4) + startup + many(9978) + "\0\0"s,
         "fits database=" + many(9978) + " user=u"},
        {"postgresql", "10,005 bytes", number(10005, 4) + startup + many(9979) + "\0\0"s, "failed"},
        {"postgresql", "protocol 3.9999, which asks a server what it supports",
         number(16, 4) + "\0\3\x27\x0fuser\0u\0\0"s, "fits user=u"},
        {"xmpp", "a domain of 1023 bytes, in double quotes, with line breaks",
         "<stream:stream\n\tto=\"" + many(1023) + "\"\r\n>", "fits to=" + many(1023)},
        {"xmpp", "another server",
         "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' from='b' to='a'>",
         "fits to=a from=b namespace=jabber:server"},
        {"ssh", "a line of 255 bytes", "SSH-2.0-" + many(245) + "\r\n",
         "fits software=" + many(245)},
        {"ssh", "a long comment", "SSH-2.0-a " + many(243) + "\r\n", "fits software=a"},
        {"ssh", "a line without CR", "SSH-2.0-Go\n", "fits software=Go"},
        {"ssh", "more than 255 bytes", "SSH-2.0-" + many(500), "failed software=" + many(246)},
        {"kafka", "no client", u16(""s) + "\0\x0a\0\x12\0\3\0\0\0\1\xff\xff"s, "fits"},
    });
}

TEST(LayoutBounds, OfNames) {
    const std::string minecraft = "\0\xff\5"s;
    const std::string end = "\x63\xdd\2"s;
    const std::string query = "\x12\x34\1\0\0\1\0\0\0\0\0\1\7Example\0\0\xf9\0\1"s;
    expect_all({
        {"minecraft", "a host of 255 bytes", varint_text(minecraft + varint_text(many(255)) + end),
         "fits protocol=767 host=" + many(255) + " port=25565 intent=2"},
        {"minecraft", "a host of 256 bytes", varint_text(minecraft + varint_text(many(256)) + end),
         "failed protocol=767 host=" + many(255)},
        {"minecraft", "properties of 32 KiB",
         varint_text(minecraft + varint_text("a.example.\0"s + many(32000)) + end),
         "fits protocol=767 host=a.example port=25565 intent=2"},
        {"minecraft", "FML2 and a final dot",
         varint_text(minecraft + varint_text("a.\0FML2\0"s) + end) + "\1\0"s,
         "fits protocol=767 host=a port=25565 intent=2"},
        {"minecraft", "something behind the state",
         varint_text(minecraft + varint_text("a") + end + "x"),
         "failed protocol=767 host=a port=25565 intent=2"},
        {"dns", "a key from a Kerberos ticket",
         number(12000, 2) + query + many(12000 - query.size()), "fits qname=example type=249"},
        {"git", "a path of 4096 bytes",
         "1042git-upload-pack " + many(4096) + "\0host=[::1]:9418\0"s,
         "fits verb=upload-pack path=" + many(4096) + " host=::1"},
        {"socks4", "a long user", "\4\1\1\xbb\0\0\0\1"s + many(1000) + "\0a.example\0"s,
         "fits port=443 user=" + many(1000) + " host=a.example"},
        {"socks5", "a client that does not wait, with a name", "\5\1\0\5\1\0\3\3a.b\0\x16"s,
         "fits auth=0 host=a.b port=22"},
        {"socks5", "a client that does not wait, with an address",
         "\5\2\0\2\5\1\0\1\x0a\0\0\1\0\x16"s, "fits auth=0,2 ip=\\0A\\00\\00\\01 port=22"},
        {"sip", "a telephone number with a context before the host",
         "INVITE sip:+1;phone-context=+2@A.example:5060;user=phone SIP/2.0\r\n",
         "fits method=INVITE host=+1,phone-context=+2,a.example,5060,user=phone"},
        {"sip", "an IPv6 address", "REGISTER sips:[2001:db8::1]:5061 SIP/2.0\r\n",
         "fits method=REGISTER host=2001:db8::1,5061"},
        {"rtsp", "RTSP 2.0, a port and an IPv6 address",
         "SETUP RTSPS://[::1]:322/a/b?c RTSP/2.0\r\n", "fits method=SETUP host=::1 path=/a/b?c"},
        {"rtsp", "no path", "OPTIONS rtsp://a RTSP/1.0\r\n", "fits method=OPTIONS host=a path="},
    });
}

TEST(LayoutBounds, OfATlsHello) {
    // The recording of Go and an extension for padding (RFC 7685), in records of 2^14 bytes.
    std::string hello = config::read_recording(content(kRecordings / "tls-1.3/go.hex"))->substr(5);
    const std::size_t length = 40000;
    const std::size_t extensions = 4 + 2 + 32 + 1 + 32;
    const std::size_t at = extensions + 2 + static_cast<unsigned char>(hello[extensions + 1]) + 2;
    hello += "\0\x15"s + u16(many(length));
    const auto grow = [&hello](std::size_t place, std::size_t bytes) {
        hello.replace(place, bytes, number(hello.size() - place - bytes, bytes));
    };
    grow(1, 3);
    grow(at, 2);
    std::string stream;
    for (std::size_t i = 0; i < hello.size(); i += 16384)
        stream += "\x16\3\1" + u16(hello.substr(i, 16384));
    expect_all({{"tls", "40 KiB in records of 16 KiB", stream,
                 "fits sni=server.example alpn=h2,http/1.1 version=772,771"}});
    stream.replace(3, 2, number(16385, 2));
    expect_all({{"tls", "a record of more than 2^14 bytes", stream, "failed"}});
}

}  // namespace
}  // namespace portsplit::manual
