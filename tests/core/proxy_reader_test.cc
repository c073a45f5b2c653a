#include "core/proxy_reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/naive_proxy.h"

namespace portsplit::core {
namespace {

using namespace std::string_view_literals;

using Kind = ProxyEnds::Kind;
using State = ProxyReader::State;

/// Gives a stream to a reader in pieces.
ProxyReader read(std::string_view stream, std::size_t piece = 1'000'000) {
    ProxyReader reader;
    while (!stream.empty() && reader.state() == State::Reading) {
        const std::size_t given = std::min(piece, stream.size());
        const std::size_t taken = reader.take(as_bytes(stream.substr(0, given)));
        EXPECT_LE(taken, given);
        EXPECT_TRUE(taken == given || reader.state() != State::Reading);
        stream.remove_prefix(taken);
    }
    return reader;
}

ProxyFault fault_of(std::string_view stream) {
    const ProxyFault fault = read(stream).fault();
    EXPECT_EQ(read(stream, 1).fault(), fault) << "byte by byte";
    return fault;
}

ProxyEnds parsed_ends(std::string_view client, std::uint16_t client_port, std::string_view server,
                      std::uint16_t server_port) {
    return {Kind::Internet,
            *IpAddress::parse(client),
            *IpAddress::parse(server),
            client_port,
            server_port,
            {},
            {}};
}

std::string v2(std::string_view command_and_family, std::string_view rest) {
    std::string header(kProxySignature);
    header += command_and_family;
    header += static_cast<char>(rest.size() >> 8);
    header += static_cast<char>(rest.size() & 0xFF);
    return header.append(rest);
}

/// Returns a header with the paths of two Unix-domain sockets.
std::string v2_of_paths(const ProxyEnds& ends) {
    std::string rest;
    for (const std::string_view path : {ends.client_path, ends.server_path}) {
        rest.append(path).append(ProxyEnds::kLongestPath - path.size(), '\0');
    }
    return v2("\x21\x31", rest);
}

/// Returns a header of a family that is not known, with a checksum.
std::string v2_of_nothing() {
    std::string header = v2("\x21\x00"sv, "\x03\0\4\0\0\0\0"sv);
    const std::uint32_t sum = crc32c(header);
    header.resize(header.size() - 4);
    for (const int shift : {24, 16, 8, 0}) header += static_cast<char>(sum >> shift & 0xFF);
    return header;
}

constexpr auto kAddresses4 = "\xC0\x00\x02\x07\xC0\x00\x02\x01\xC3\x66\x01\xBB"sv;

/// Expects the header, and that what is behind it is left alone, for every cut of the stream in two.
void expect_at_every_cut(const std::string& header, const ProxyEnds& said) {
    for (const std::string_view behind : {""sv, "GET /"sv, "PROXY TCP4 "sv, kProxySignature}) {
        const std::string stream = header + std::string(behind);
        for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
            ProxyReader reader;
            const std::string_view front = std::string_view(stream).substr(0, cut);
            std::size_t taken = reader.take(as_bytes(front));
            ASSERT_EQ(taken, std::min(cut, header.size()));
            taken += reader.take(as_bytes(std::string_view(stream).substr(taken)));
            ASSERT_EQ(reader.state(), State::Complete) << cut << to_string(reader.fault());
            ASSERT_EQ(taken, header.size()) << cut;
            ASSERT_EQ(reader.size(), header.size());
            ASSERT_EQ(reader.lack(), 0U);
            ASSERT_EQ(reader.ends(), said) << cut;
        }
        const ProxyReader by_byte = read(stream, 1);
        ASSERT_EQ(by_byte.size(), header.size());
        ASSERT_EQ(by_byte.ends(), said);
    }
}

// The examples of proxy-protocol.txt 2.1.
TEST(ProxyReaderV1, ReadsTheExamplesOfTheText) {
    expect_at_every_cut("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
                        parsed_ends("255.255.255.255", 65535, "255.255.255.255", 65535));
    const std::string shortened = "ffff:f...f:ffff";
    const std::string ffff = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    expect_at_every_cut("PROXY TCP6 " + ffff + " " + ffff + " 65535 65535\r\n",
                        parsed_ends(ffff, 65535, ffff, 65535));
    expect_at_every_cut("PROXY UNKNOWN\r\n", {});
    const std::string longest = "PROXY UNKNOWN " + ffff + " " + ffff + " 65535 65535\r\n";
    ASSERT_EQ(longest.size(), 107U);
    expect_at_every_cut(longest, {});
    expect_at_every_cut("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
                        parsed_ends("192.168.0.1", 56324, "192.168.0.11", 443));
    EXPECT_EQ(fault_of("PROXY TCP6 " + shortened + " ::1 1 1\r\n"), ProxyFault::Line);
}

TEST(ProxyReaderV1, TakesMappedAddressesAsIpv4) {
    expect_at_every_cut("PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 2\r\n",
                        parsed_ends("192.0.2.7", 1, "2001:db8::1", 2));
}

// Found by fuzzing: whether a line is refused, and why, depended on where it was cut.
TEST(ProxyReaderV1, RefusesTheSameHoweverTheStreamIsCut) {
    const std::string long_line = "PROXY TCP6 " + std::string(95, 'x');
    for (const std::string& line : {std::string("PROXY TCP4 \r.\r"), long_line + "y\n",
                                    long_line + "\n", long_line + "yz\n"}) {
        ProxyReader whole;
        whole.take(as_bytes(line));
        EXPECT_EQ(whole.state(), State::Bad) << line;
        for (std::size_t piece = 1; piece < line.size(); ++piece) {
            ProxyReader reader;
            for (std::size_t at = 0; at < line.size() && reader.state() == State::Reading;
                 at += piece) {
                reader.take(as_bytes(line.substr(at, piece)));
            }
            EXPECT_EQ(reader.state(), whole.state()) << line << " " << piece;
            EXPECT_EQ(reader.fault(), whole.fault()) << line << " " << piece;
        }
    }
}

// fault: C10
TEST(ProxyReaderV1, RefusesWhatTheTextDoesNotPermit) {
    for (const std::string_view line : {"PROXY TCP4 1.1.1.1 1.1.1.1 1 2\n"sv,
                                        "PROXY TCP4 1.1.1.1 1.1.1.1 1 2\rx"sv,
                                        "PROXY TCP4 1.1.1.1 1.1.1.1 1 \r\n"sv,
                                        "PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n"sv,
                                        "PROXY TCP4 1.1.1.1  1.1.1.1 1 2\r\n"sv,
                                        "PROXY TCP4 1.1.1.1 1.1.1.1 1 2 \r\n"sv,
                                        "PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n"sv,
                                        "PROXY TCP4 1.1.1.1 1.1.1.1 01 2\r\n"sv,
                                        "PROXY TCP4 1.1.1.1 1.1.1.1 +1 2\r\n"sv,
                                        "PROXY TCP4 1.1.1.1 1.1.1.1 -1 2\r\n"sv,
                                        "PROXY TCP4 01.1.1.1 1.1.1.1 1 2\r\n"sv,
                                        "PROXY TCP4 ::1 ::1 1 2\r\n"sv,
                                        "PROXY TCP6 1.1.1.1 1.1.1.1 1 2\r\n"sv,
                                        "PROXY TCP6 fe80::1%lo ::1 1 2\r\n"sv,
                                        "PROXY TCP5"sv,
                                        "PROXY tcp4"sv,
                                        "PROXY UDP4"sv,
                                        "PROXY UNKNOWNS\r\n"sv,
                                        "PROXY \r"sv,
                                        "PROXY TCP4\t1"sv,
                                        "PROXY TCP4 1.1.1.1 1.1.1.1 1 2\0\r\n"sv}) {
        EXPECT_EQ(fault_of(line), ProxyFault::Line) << line;
    }
    for (const std::string_view other :
         {"G"sv, "GET /"sv, "PROXz"sv, "PROXY\t"sv, "SSH-2.0"sv, "\r\n\r\nX"sv, "\r\r"sv, "\0"sv}) {
        EXPECT_EQ(fault_of(other), ProxyFault::Signature) << other;
    }
}

TEST(ProxyReaderV1, EndsWithin107Bytes) {
    const std::string begin = "PROXY UNKNOWN ";
    EXPECT_EQ(read(begin + std::string(107 - 2 - begin.size(), 'x') + "\r\n").state(),
              State::Complete);
    EXPECT_EQ(fault_of(begin + std::string(107 - 1 - begin.size(), 'x') + "\r\n"),
              ProxyFault::LongLine);
    EXPECT_EQ(fault_of(begin + std::string(5000, 'x')), ProxyFault::LongLine);
    EXPECT_EQ(read(begin + std::string(106 - begin.size(), 'x')).state(), State::Reading);
}

TEST(ProxyReaderV2, ReadsEveryFamily) {
    const ProxyEnds v4 = parsed_ends("192.0.2.7", 50022, "192.0.2.1", 443);
    expect_at_every_cut(v2("\x21\x11", kAddresses4), v4);
    expect_at_every_cut(proxy_header_v2(v4, {}, true), v4);
    const ProxyEnds v6 = parsed_ends("2001:db8::7", 1, "::1", 2);
    expect_at_every_cut(proxy_header_v2(v6, {}, false), v6);
    ProxyEnds unix_ends;
    unix_ends.kind = Kind::Unix;
    unix_ends.client_path = "/run/client";
    unix_ends.server_path = std::string("\0name", 5);
    expect_at_every_cut(v2_of_paths(unix_ends), unix_ends);
    unix_ends.client_path.clear();
    unix_ends.server_path = std::string(ProxyEnds::kLongestPath, 'x');
    expect_at_every_cut(v2_of_paths(unix_ends), unix_ends);
    expect_at_every_cut(v2("\x21\x00"sv, ""), {});
    // "The receiver should ignore address information" (2.2).
    expect_at_every_cut(v2("\x21\x00"sv, kAddresses4), {});
    expect_at_every_cut(v2("\x21\x00"sv, "\x03\0\2ab\x03\x07"sv), {});
    expect_at_every_cut(v2("\x21\x00"sv, "\x04\0\2ab"sv), {});
    expect_at_every_cut(v2_of_nothing(), {});
    EXPECT_EQ(fault_of(v2("\x21\x00"sv, "\x03\0\4abcd"sv)), ProxyFault::Checksum);
    EXPECT_EQ(fault_of(v2("\x21\x00"sv, "\x03\0\2ab"sv)), ProxyFault::Checksum);
    ProxyEnds local;
    local.kind = Kind::Local;
    expect_at_every_cut(v2("\x20\x00"sv, ""), local);
    expect_at_every_cut(proxy_header_v2(local, {}, true), local);
    // Who sends LOCAL may name addresses; they mean nothing.
    expect_at_every_cut(v2("\x20\x11"sv, kAddresses4), local);
    // "The receiver must discard the protocol block, including the family" (2.2).
    expect_at_every_cut(v2("\x20\x11"sv, ""), local);
    expect_at_every_cut(v2("\x20\x12"sv, "abc"), local);
    expect_at_every_cut(v2("\x20\x00"sv, "abc"), local);
    EXPECT_EQ(fault_of(v2("\x20\x00"sv, "\x03\0\4abcd"sv)), ProxyFault::Checksum);
}

TEST(ProxyReaderV2, SkipsValuesItDoesNotKnow) {
    const ProxyEnds v4 = parsed_ends("192.0.2.7", 50022, "192.0.2.1", 443);
    expect_at_every_cut(proxy_header_v2(v4, std::vector<ProxyTlv>{{0x04, ""}, {0xEE, "x"}}, true),
                        v4);
    const std::string longest(0xFFFF - kAddresses4.size() - 3, 'x');
    const std::string header =
        v2("\x21\x11", std::string(kAddresses4) + "\xE0" + static_cast<char>(longest.size() >> 8) +
                           static_cast<char>(longest.size() & 0xFF) + longest);
    ASSERT_EQ(header.size(), 16U + 65535U);
    for (const std::size_t piece : {1U, 3U, 1000U, 1'000'000U}) {
        const ProxyReader reader = read(header + "SSH-", piece);
        EXPECT_EQ(reader.state(), State::Complete);
        EXPECT_EQ(reader.size(), header.size());
        EXPECT_EQ(reader.ends(), v4);
    }
}

// fault: C10
TEST(ProxyReaderV2, RefusesWhatTheTextDoesNotPermit) {
    EXPECT_EQ(fault_of(v2("\x11\x11", kAddresses4)), ProxyFault::Version);
    EXPECT_EQ(fault_of(v2("\x31\x11", kAddresses4)), ProxyFault::Version);
    EXPECT_EQ(fault_of(v2("\x22\x11", kAddresses4)), ProxyFault::Command);
    EXPECT_EQ(fault_of(v2("\x2F\x11", kAddresses4)), ProxyFault::Command);
    for (const char family : {'\x12', '\x22', '\x32', '\x10', '\x13', '\x41', '\x01'}) {
        EXPECT_EQ(fault_of(v2(std::string("\x21") + family, std::string(300, '\0'))),
                  ProxyFault::Family);
    }
    EXPECT_EQ(fault_of(v2("\x21\x11", kAddresses4.substr(1))), ProxyFault::Length);
    EXPECT_EQ(fault_of(v2("\x21\x21", std::string(35, 'x'))), ProxyFault::Length);
    EXPECT_EQ(fault_of(v2("\x21\x31", std::string(215, 'x'))), ProxyFault::Length);
    const std::string addresses(kAddresses4);
    EXPECT_EQ(fault_of(v2("\x21\x11", addresses + "\x04")), ProxyFault::Tlv);
    EXPECT_EQ(fault_of(v2("\x21\x11", addresses + std::string("\x04\0\1", 3))), ProxyFault::Tlv);
    EXPECT_EQ(fault_of(v2("\x21\x11", addresses + std::string("\x03\0\4abcd", 7))),
              ProxyFault::Checksum);
    EXPECT_EQ(fault_of(v2("\x21\x11", addresses + std::string("\x03\0\2ab", 5))),
              ProxyFault::Checksum);
    const std::string two_sums = proxy_header_v2(parsed_ends("192.0.2.7", 1, "192.0.2.1", 2),
                                                 std::vector<ProxyTlv>{{3, "abcd"}}, true);
    EXPECT_EQ(fault_of(two_sums), ProxyFault::Checksum);
}

TEST(ProxyReaderV2, VerifiesEveryByteOfAChecksum) {
    const std::string good = proxy_header_v2(parsed_ends("192.0.2.7", 1, "192.0.2.1", 2), {}, true);
    const std::size_t type_at = good.size() - 7;
    for (std::size_t i = kProxySignature.size(); i < good.size(); ++i) {
        if (i == type_at) continue;  // with another type it is another value
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 1);
        EXPECT_NE(read(bad).state(), State::Complete) << i;
    }
}

/// Makes mistakes in headers.
class Mutator {
  public:
    explicit Mutator(unsigned seed) : random_(seed) {}

    std::string header() {
        static const std::vector<std::string> kSeeds{
            "PROXY TCP4 192.0.2.7 192.0.2.1 50022 443\r\n",
            "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 0 65535\r\n",
            "PROXY UNKNOWN\r\n",
            "PROXY UNKNOWN what follows\r\n",
            v2("\x21\x11", kAddresses4),
            v2("\x20\x00"sv, ""),
            v2("\x21\x00"sv, std::string("\x04\0\2ab", 5)),
            proxy_header_v2(parsed_ends("::1", 1, "::2", 2), {}, true),
            v2_of_paths({Kind::Unix, {}, {}, 0, 0, "/a", std::string("\0b", 2)}),
            v2("\x21\x00"sv, kAddresses4),
            proxy_header_v2({}, {}, true),
            v2_of_nothing()};
        std::string header = kSeeds[below(kSeeds.size())];
        for (std::size_t changes = below(3); changes > 0; --changes) change(header);
        return header + "GET / HTTP/1.1\r\n\r\n";
    }

  private:
    std::size_t below(std::size_t limit) { return random_() % limit; }

    void change(std::string& header) {
        constexpr std::string_view kBytes = "\0\1\x11\x20\x21\x31 0123456789:.fF\r\nPTU\xFF"sv;
        const std::size_t place = below(header.size());
        const char byte =
            below(4) == 0 ? static_cast<char>(below(256)) : kBytes[below(kBytes.size())];
        switch (below(3)) {
            case 0:
                header[place] = byte;
                break;
            case 1:
                header.erase(place, 1);
                break;
            default:
                header.insert(place, 1, byte);
        }
    }

    std::mt19937 random_;
};

// fault: C10
TEST(ProxyReader, AgreesWithASecondReader) {
    Mutator mutator(7);
    std::size_t valid = 0;
    for (int i = 0; i < 200'000; ++i) {
        const std::string stream = mutator.header();
        const ProxyReader reader = read(stream);
        std::optional<NaiveHeader> found;
        if (reader.state() == State::Complete) found = NaiveHeader{reader.size(), reader.ends()};
        ASSERT_EQ(found, read_naively(stream)) << testing::PrintToString(stream);
        const ProxyReader by_byte = read(stream, 1);
        ASSERT_EQ(by_byte.state(), reader.state());
        ASSERT_EQ(by_byte.fault(), reader.fault()) << testing::PrintToString(stream);
        if (found) ++valid;
    }
    EXPECT_GT(valid, 50'000U);
    EXPECT_LT(valid, 190'000U);
}

TEST(ProxyReader, SaysHowManyBytesAreMissingAtLeast) {
    ProxyReader reader;
    EXPECT_EQ(reader.lack(), 15U) << "no header is shorter";
    reader.take(as_bytes(kProxySignature));
    EXPECT_EQ(reader.lack(), 4U);
    reader.take(as_bytes("\x21\x11\x01\x00"sv));
    EXPECT_EQ(reader.lack(), 256U);
}

TEST(ProxyFault, HasASentenceForEach) {
    for (std::uint8_t fault = 0; fault <= static_cast<std::uint8_t>(ProxyFault::Late); ++fault) {
        EXPECT_FALSE(to_string(static_cast<ProxyFault>(fault)).empty());
    }
    EXPECT_TRUE(to_string(static_cast<ProxyFault>(100)).empty());
}

}  // namespace
}  // namespace portsplit::core
