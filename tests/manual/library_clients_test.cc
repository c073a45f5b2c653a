// The library of patterns (contrib/patterns) against streams that clients may send according to a
// specification. Recordings show what some clients send; these streams show the rest of a protocol.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "manual/library.h"

namespace portsplit::manual {
namespace {

using namespace std::string_literals;

struct Stream {
    std::string entry;
    std::string what;
    std::string bytes;
};

/// Returns a string of Minecraft: its length, of one or two bytes, and the text.
std::string minecraft_text(const std::string& text) {
    std::string length;
    if (text.size() > 0x7F) {
        length += static_cast<char>(0x80 | (text.size() & 0x7F));
        length += static_cast<char>(text.size() >> 7);
    } else {
        length += static_cast<char>(text.size());
    }
    return length + text;
}

std::string minecraft(const std::string& version, const std::string& host, char next) {
    return minecraft_text("\0"s + version + minecraft_text(host) + "\x63\xdd" + next);
}

/// What BungeeCord puts behind the name of the host: address, UUID and properties of the player.
const std::string kForwarded =
    "play.example\0192.0.2.7\0"s + std::string(32, 'a') + '\0' + std::string(900, 'b');

std::vector<Stream> minecraft_streams() {
    const std::string any = "\xff\xff\xff\xff\x0f";
    return {
        {"minecraft", "protocol version 0", minecraft("\0"s, "play.example", 1)},
        {"minecraft", "protocol version 0, a name of one letter", minecraft("\0"s, "a", 1)},
        {"minecraft", "no host", minecraft(any, "", 1)},
        {"minecraft", "no host, protocol version 0", minecraft("\0"s, "", 1)},
        {"minecraft", "a host that begins with /", minecraft("\xfb\5", "///play.example", 2)},
        {"minecraft", "a login that BungeeCord forwards", minecraft("\xff\5", kForwarded, 2)},
        {"minecraft", "a forwarded login, version 47", minecraft("\x2f", kForwarded, 2)},
        {"minecraft", "a transfer, state 3", minecraft("\xfe\5", "play.example", 3)},
        {"minecraft", "a snapshot", minecraft("\xc8\x81\x80\x80\4", "play.example", 1)},
        {"minecraft", "an IPv6 address as host", minecraft("\xfb\5", "2001:db8::1", 2)},
        {"minecraft", "a host with the suffix of FML",
         minecraft("\xfb\5", "play.example\0FML2\0"s, 2)},
        {"minecraft", "a handshake of more than 16 KiB",
         "\x8b\x80\x02\0\xfb\5\x80\x80\x02"s + std::string(32768, 'h') + "\x63\xdd\2"},
        {"minecraft", "the login of 1.6", "\2\x4e\0\3\0a\0b\0c"s},
        {"minecraft", "the login of 1.2", "\2\0\x0d\0N\0o\0t\0c\0h\0;"s},
    };
}

std::vector<Stream> rdp_streams() {
    const std::string head = "\3\0\0\x2e\x29\xe0\0\0\0\0\0"s;
    return {
        {"rdp", "a cookie", head + "Cookie: mstshash=user\r\n\1\0\x08\0\3\0\0\0"s},
        {"rdp", "a token of a load balancer", head + "Cookie: msts=3640205228.15629.0000\r\n"},
        {"rdp", "a token of Remote Desktop Services",
         head + "tsv://MS Terminal Services Plugin.1.Farm\r\n"},
        {"rdp", "neither", "\3\0\0\x0b\6\xe0\0\0\0\0\0"s},
        {"rdp", "only a negotiation request", "\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0"s},
        {"rdp", "a negotiation request with correlation information",
         "\3\0\0\x37\x32\xe0\0\0\0\0\0\1\x08\x08\0\3\0\0\0\6\0\x24\0"s + std::string(32, 'c')},
        {"rdp", "a source reference of the client",
         "\3\0\0\x13\x0e\xe0\0\0\x12\x34\0\1\0\x08\0\3\0\0\0"s},
        {"rdp", "a preconnection message, version 1", "\x10\0\0\0\0\0\0\0\1\0\0\0\x07\0\0\0"s},
        {"rdp", "a preconnection message, version 2",
         "\x16\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0v\0\0\0"s},
    };
}

std::vector<Stream> web_streams() {
    return {
        {"http", "a source of Icecast", "SOURCE /live.ogg ICE/1.0\r\n"},
        {"http", "a search of UPnP", "M-SEARCH * HTTP/1.1\r\n"},
        {"http", "a notification of UPnP", "NOTIFY /event HTTP/1.1\r\n"},
        {"http", "an announcement of UPnP", "NOTIFY * HTTP/1.1\r\n"},
        {"http", "a subscription of UPnP", "SUBSCRIBE /event HTTP/1.1\r\n"},
        {"http", "RD Gateway", "RDG_OUT_DATA /remoteDesktopGateway/ HTTP/1.1\r\n"},
        {"http", "Outlook Anywhere", "RPC_IN_DATA /rpc/rpcproxy.dll?server:6001 HTTP/1.1\r\n"},
        {"http", "a method through a proxy", "PROPFIND http://www.example/ HTTP/1.1\r\n"},
        {"http", "OPTIONS through a proxy", "OPTIONS https://www.example/ HTTP/1.1\r\n"},
        {"http", "OPTIONS of a server", "OPTIONS * HTTP/1.1\r\n"},
        {"http", "HTTP/1.0", "GET / HTTP/1.0\r\n"},
        {"rtsp", "a setting of the server", "SET_PARAMETER * RTSP/1.0\r\n"},
        {"rtsp", "a scheme in capitals", "DESCRIBE RTSP://server.example/ RTSP/1.0\r\n"},
        {"rtsp", "a notification of RTSP 2.0", "PLAY_NOTIFY rtsp://server.example/ RTSP/2.0\r\n"},
        {"rtsp", "RTSP over UDP", "SETUP rtspu://server.example/ RTSP/1.0\r\n"},
        {"sip", "a telephone number", "INVITE tel:+1-201-555-0123 SIP/2.0\r\n"},
        {"sip", "an emergency call", "INVITE urn:service:sos SIP/2.0\r\n"},
        {"sip", "a scheme in capitals", "OPTIONS SIP:server.example SIP/2.0\r\n"},
        {"sip", "a response, on a connection that the server opened", "SIP/2.0 200 OK\r\n"},
        {"sip", "a notification", "NOTIFY sips:user@server.example SIP/2.0\r\n"},
    };
}

std::vector<Stream> other_streams() {
    return {
        {"ajp", "a method without a number", "\x12\x34\0\x40\2\xff\0\x08HTTP/1.1\0\0\1/\0"s},
        {"ajp", "HTTP/1.0", "\x12\x34\1\2\2\4\0\x08HTTP/1.0\0\0\1/\0"s},
        {"diameter", "a request of 512 bytes", "\1\0\2\0\x80\0\1\1\0\0\0\0\1\2\3\4"s},
        {"dns", "a NOTIFY", "\0\x2a\x38\x31\x24\0\0\1\0\0\0\0\0\0\7example\0\0\6\0\1"s},
        {"dns", "a NOTIFY with the SOA", "\0\x52\x38\x31\x24\0\0\1\0\1\0\0\0\0\7example\0"s},
        {"dns", "an UPDATE", "\0\x34\x12\x34\x28\0\0\1\0\0\0\1\0\0\7example\0\0\6\0\1"s},
        {"dns", "an UPDATE of more than 512 bytes", "\2\x34\x12\x34\x28\0\0\1\0\1\0\x14\0\1"s},
        {"dns", "a question with a long TSIG", "\2\x10\x12\x34\1\0\0\1\0\0\0\0\0\1\7example\0"s},
        {"fastcgi", "request 256, kept open", "\1\1\1\0\0\x08\0\0\0\1\1\0\0\0\0\0"s},
        {"ldap", "a comparison without a bind", "\x30\x2a\2\1\1\x6e\x25\4\x0f"s},
        {"ldap", "an unbind", "\x30\5\2\1\1\x42\0"s},
        {"ldap", "an addition without a bind", "\x30\x2a\2\1\1\x68\x25\4\x0f"s},
        {"mongodb", "a length that looks like LDAP", "\x30\x82\0\0\2\1\0\x42\0\0\0\0\xd4\7\0\0"s},
        {"mongodb", "a length that looks like RTMP", "\3\1\0\0\0\0\0\0\0\0\0\0\xd4\7\0\0"s},
        {"rtmp", "a time that looks like OpenVPN", "\3\0\x50\0\0\0\0\0\0\1"s},
        {"rtmp", "time zero", "\3\0\0\0\0\0\0\0\0\1"s},
        {"mongodb", "a hello of 300 bytes", "\x2c\1\0\0\1\0\0\0\0\0\0\0\xdd\7\0\0"s},
        {"postgresql", "a later minor version", "\0\0\0\x29\0\3\x27\x0fuser\0"s},
        {"postgresql", "a cancel with a key of 32 bytes", "\0\0\0\x2c\4\xd2\x16\x2e\0\0\1\2"s},
        {"redis", "a health check", "PING\r\n"},
        {"redis", "a health check in small letters", "ping\n"},
        {"smpp", "a bind with TLVs", "\0\0\0\xff\0\0\0\x09\0\0\0\0\0\0\0\1u\0"s},
        {"socks4", "the RESOLVE of Tor", "\4\xf0\0\0\0\0\0\1\0www.example\0"s},
        {"socks5", "only a private method", "\5\1\x80"s},
        {"socks5", "a private method after none", "\5\2\0\x80"s},
        {"socks5", "a private method first", "\5\2\x82\0"s},
        {"tacacs", "a change of the password", "\xc0\1\1\0\xff\xee\xdd\xcc\0\0\0\x21"s},
        {"tacacs", "accounting on a connection that stays", "\xc0\3\1\4\1\2\3\4\0\0\1\0"s},
        {"tls", "a hello in the form of SSL 2.0, with TLS 1.0",
         "\x80\x2e\1\3\1\0\x15\0\0\0\x10\0\0\4\0\0\5"s},
        {"zeromq", "a padding of zeros", "\xff\0\0\0\0\0\0\0\0\x7f\3\1CURVE"s},
        {"zeromq", "ZMTP 2.0", "\xff\0\0\0\0\0\0\0\6\x7f\1\5"s},
    };
}

std::vector<Stream> all_streams() {
    std::vector<Stream> all;
    for (const auto& some : {minecraft_streams(), rdp_streams(), web_streams(), other_streams()}) {
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

TEST(PatternLibrary, RoutesEachStreamOfASpecificationToItsEntry) {
    const std::vector<Known> library = read_library();
    const dispatch::SharedPlan plan = plan_of(pointers(library));
    for (const Stream& stream : all_streams()) {
        EXPECT_EQ(way_of(plan.plan(), stream.bytes), stream.entry + " match")
            << stream.entry << ": " << stream.what;
    }
}

TEST(PatternLibrary, LetsOneEntryAloneMatchAStreamOfASpecification) {
    for (const Known& known : read_library()) {
        const dispatch::SharedPlan plan = plan_of({&known});
        for (const Stream& stream : all_streams()) {
            if (stream.entry == known.name) continue;
            EXPECT_NE(way_of(plan.plan(), stream.bytes), known.name + " match")
                << stream.entry << ": " << stream.what;
        }
    }
}

TEST(PatternLibrary, RoutesEveryRegisteredMethodToHttp) {
    // IANA, "HTTP Method Registry", without PRI, which is the preface of HTTP/2, and *.
    constexpr std::array kMethods{"ACL",
                                  "BASELINE-CONTROL",
                                  "BIND",
                                  "CHECKIN",
                                  "CHECKOUT",
                                  "CONNECT",
                                  "COPY",
                                  "DELETE",
                                  "GET",
                                  "HEAD",
                                  "LABEL",
                                  "LINK",
                                  "LOCK",
                                  "MERGE",
                                  "MKACTIVITY",
                                  "MKCALENDAR",
                                  "MKCOL",
                                  "MKREDIRECTREF",
                                  "MKWORKSPACE",
                                  "MOVE",
                                  "OPTIONS",
                                  "ORDERPATCH",
                                  "PATCH",
                                  "POST",
                                  "PROPFIND",
                                  "PROPPATCH",
                                  "PUT",
                                  "QUERY",
                                  "REBIND",
                                  "REPORT",
                                  "SEARCH",
                                  "TRACE",
                                  "UNBIND",
                                  "UNCHECKOUT",
                                  "UNLINK",
                                  "UNLOCK",
                                  "UPDATE",
                                  "UPDATEREDIRECTREF",
                                  "VERSION-CONTROL"};
    // Icecast, UPnP, Varnish and Squid, Exchange, BITS.
    constexpr std::array kOthers{"SOURCE",     "STATS", "NOTIFY",    "SUBSCRIBE", "UNSUBSCRIBE",
                                 "PURGE",      "BAN",   "BCOPY",     "BMOVE",     "BPROPFIND",
                                 "BPROPPATCH", "POLL",  "BITS_POST", "CCM_POST"};
    const std::vector<Known> library = read_library();
    const dispatch::SharedPlan plan = plan_of(pointers(library));
    std::vector<std::string> methods(kMethods.begin(), kMethods.end());
    methods.insert(methods.end(), kOthers.begin(), kOthers.end());
    for (const std::string& method : methods) {
        EXPECT_EQ(way_of(plan.plan(), method + " /path HTTP/1.1\r\n"), "http match") << method;
    }
}

/// Obfuscated protocols look like this: those must reach fallback, and early.
TEST(PatternLibrary, RoutesNearlyAllRandomBytesToFallbackWithinTwelve) {
    constexpr int kStreams = 20'000;
    constexpr int kExceptions = kStreams / 500;
    const std::vector<Known> library = read_library();
    const dispatch::SharedPlan plan = plan_of(pointers(library));
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same streams in each run
    std::uniform_int_distribution<int> byte(0, 0xFF);
    int exceptions = 0;
    for (int i = 0; i < kStreams; ++i) {
        std::string stream(12, '\0');
        std::generate(stream.begin(), stream.end(),
                      [&] { return static_cast<char>(byte(random)); });
        if (way_of(plan.plan(), stream) != "fallback fallback") ++exceptions;
    }
    EXPECT_LE(exceptions, kExceptions);
}

}  // namespace
}  // namespace portsplit::manual
