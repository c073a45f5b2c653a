// The layout tls beside OpenSSL and GnuTLS. Both get the ClientHellos of real clients, and thousands of
// mutants of them, in records and segments of random sizes. If a server accepts a hello, the layout must
// have read the same name and protocols. A hello that a server refuses may be read or not
// (portsplit.conf(5), LAYOUTS).
//
// PORTSPLIT_MUTANTS is the number of mutants for each server.

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "judges/client_hello.h"
#include "judges/gnutls_judge.h"
#include "judges/hello_mutants.h"
#include "judges/layout_reader.h"
#include "judges/openssl_judge.h"
#include "judges/real_hellos.h"

namespace portsplit::judges {
namespace {

/// Returns true if the body of an extension begins with a list of protocols (RFC 7301 3.1).
bool has_list_of_protocols(std::string_view body) {
    Taker taker(body);
    const std::size_t size = taker.take_number(2);
    std::string_view list = taker.take(size);
    if (list.size() < size) return false;
    while (!list.empty()) {
        const std::size_t length = static_cast<unsigned char>(list.front());
        if (length == 0 || length >= list.size()) return false;
        list.remove_prefix(1 + length);
    }
    return true;
}

/// Returns what in a stream is against the specification, and accepted by a server but not by the layout;
/// empty if nothing is.
/// - A ClientHello comes first, in records of the type handshake (22), none of them empty (RFC 8446 5, 5.1).
///   OpenSSL skips empty records. GnuTLS skips records of the type change_cipher_spec (20).
/// - GnuTLS reads a list of protocols up to the first wrong length. The server should send the alert
///   decode_error (RFC 8446 6.2), as OpenSSL does.
std::string oddity_of(std::string_view stream) {
    std::size_t missing = 4;  // of the message, and its head until that has come
    std::string head;
    for (Taker taker(stream); missing > 0 && !taker.is_empty();) {
        const std::size_t type = taker.take_number(1);
        if (type != 0x16) return "a record of type " + std::to_string(type);
        taker.take(2);
        const std::size_t size = taker.take_number(2);
        if (size == 0) return "an empty record";
        head += taker.take(size);
        missing =
            4 + (head.size() < 4 ? 0 : Taker(std::string_view(head).substr(1)).take_number(3));
        missing -= std::min(missing, head.size());
    }
    if (missing > 0) return "";
    for (const Extension& extension :
         ClientHello::parse(head).extensions.value_or(std::vector<Extension>{})) {
        if (extension.type != Extension::kAlpn || has_list_of_protocols(extension.body)) continue;
        return "a wrong length in the list of protocols";
    }
    return "";
}

struct Figures {
    std::size_t accepted = 0;
    std::size_t refused = 0;
    std::size_t names = 0;        ///< compared, of hellos with a name
    std::size_t protocols = 0;    ///< lists compared, of hellos with one
    std::size_t read_anyway = 0;  ///< refused by the server, read by the layout
    std::map<std::string, std::size_t> complaints;
    std::map<std::string, std::size_t> oddities;  ///< accepted by the server, refused by the layout
};

void print(const char* judge, const Figures& figures) {
    std::cout << judge << ": accepted " << figures.accepted << ", refused " << figures.refused
              << " (read anyway " << figures.read_anyway << "); names compared " << figures.names
              << ", lists of protocols " << figures.protocols << '\n';
    for (const auto& [complaint, count] : figures.complaints)
        std::cout << "  refused " << count << ": " << complaint << '\n';
    for (const auto& [oddity, count] : figures.oddities)
        std::cout << "  accepted " << count << " with " << oddity << ", which the layout refuses\n";
}

class TlsJudges : public testing::Test {
  protected:
    /// Gives a judge hellos and mutants of them, and compares what it says with the layout.
    /// @param judge          returns its opinion of segments
    /// @param expected_alpn  returns the protocols in that opinion if the layout is right
    template <typename Judge, typename ExpectedAlpn>
    Figures compare(Judge judge, ExpectedAlpn expected_alpn);

    Random random_{1};  // NOLINT(cert-msc51-cpp): the same mutants in each run
    LayoutReader layout_{"tls"};
    OpenSslJudge openssl_{make_identity()};

  private:
    /// Returns what is wrong; empty if nothing is.
    static std::string disagreement(const TlsOpinion& opinion, const Reading& reading,
                                    const std::vector<std::string>& alpn, Figures& figures,
                                    std::string_view stream);

    HelloMutants mutants_{random_};
};

std::string TlsJudges::disagreement(const TlsOpinion& opinion, const Reading& reading,
                                    const std::vector<std::string>& alpn, Figures& figures,
                                    std::string_view stream) {
    const bool refuses = !reading.fits();
    const std::string name = reading.value("sni");
    const bool has_read = opinion.accepts || opinion.has_read;
    const std::string oddity = has_read && refuses ? oddity_of(stream) : "";
    if (!oddity.empty()) {
        ++figures.oddities[oddity];
        // The layout may have read the name first, but no other name.
        if (name.empty() || name == folded(opinion.name)) return "";
    }
    if (opinion.accepts && refuses) return "accepted by the server, refused by the layout";
    if (opinion.has_read && folded(opinion.name) != name)
        return "the server reads the name " + testing::PrintToString(opinion.name);
    if (opinion.has_alpn && opinion.alpn != alpn)
        return "the server reads the protocols " + testing::PrintToString(opinion.alpn);
    // Earlier versions may be chosen for the number in front of the list (RFC 8446 4.2.1).
    const std::vector<std::string> versions = reading.all("version");
    if (opinion.is_tls_1_3 && std::find(versions.begin(), versions.end(), "772") == versions.end())
        return "the server chose TLS 1.3";
    return "";
}

template <typename Judge, typename ExpectedAlpn>
Figures TlsJudges::compare(Judge judge, ExpectedAlpn expected_alpn) {
    const std::vector<std::string> hellos = all_hellos(openssl_);
    Figures figures;
    int failures = 0;
    const std::size_t streams = hellos.size() + mutants_wanted(3'000);
    for (std::size_t i = 0; i < streams && failures < 5; ++i) {
        const std::string& hello = hellos[i % hellos.size()];
        const bool is_mutant = i >= hellos.size();
        const std::string message =
            is_mutant ? mutants_.message(without_records(hello)) : without_records(hello);
        std::string stream = is_mutant ? in_random_records(message, random_) : hello;
        const std::string other = in_random_records(message, random_);
        const bool is_in_order = !is_mutant || below(random_, 4) > 0;
        if (!is_in_order) stream = mutants_.stream(std::move(stream));

        const Reading reading = layout_.read({stream});
        const Segments segments = in_segments(stream, random_);
        const TlsOpinion opinion = judge(segments, reading);
        std::string wrong = disagreement(opinion, reading, expected_alpn(reading), figures, stream);
        if (layout_.read(segments) != reading) wrong = "other segments, another result";
        if (is_in_order && layout_.read({other}) != reading)
            wrong = "other records, another result";
        if (!wrong.empty()) {
            ++failures;
            ADD_FAILURE() << wrong << " (the server: " << opinion.complaint
                          << ")\nthe layout: " << reading << "\nthe stream: " << in_hex(stream);
        }

        ++(opinion.accepts ? figures.accepted : figures.refused);
        if (!opinion.accepts) ++figures.complaints[opinion.complaint];
        figures.names += opinion.has_read && !opinion.name.empty() ? 1U : 0U;
        figures.protocols += opinion.alpn.empty() ? 0U : 1U;
        figures.read_anyway += !opinion.accepts && reading.fits() ? 1U : 0U;
    }
    EXPECT_GT(figures.accepted, streams / 4);
    EXPECT_GT(figures.names, streams / 4);
    EXPECT_GT(figures.protocols, streams / 20);
    return figures;
}

// fault: C9
TEST_F(TlsJudges, OpenSslReadsWhatTheLayoutReads) {
    const Figures figures =
        compare([&](const Segments& segments, const Reading&) { return openssl_.judge(segments); },
                [](const Reading& reading) { return reading.all("alpn"); });
    print("OpenSSL", figures);
}

/// Returns one of the protocols that the layout found, of at most 31 bytes: GnuTLS offers no longer ones.
std::string protocol_to_offer(const Reading& reading) {
    std::vector<std::string> some;
    for (const std::string& protocol : reading.all("alpn")) {
        if (protocol.size() <= 31) some.push_back(protocol);
    }
    return some.empty() ? "h2" : some[reading.value("sni").size() % some.size()];
}

// fault: C9
TEST_F(TlsJudges, GnuTlsReadsWhatTheLayoutReads) {
    GnuTlsJudge gnutls(make_identity());
    const Figures figures = compare(
        [&](const Segments& segments, const Reading& reading) {
            return gnutls.judge(segments, protocol_to_offer(reading));
        },
        [](const Reading& reading) {
            const std::string protocol = protocol_to_offer(reading);
            const std::vector<std::string> all = reading.all("alpn");
            const bool has_it = std::find(all.begin(), all.end(), protocol) != all.end();
            return has_it ? std::vector{protocol} : std::vector<std::string>{};
        });
    print("GnuTLS", figures);
}

}  // namespace
}  // namespace portsplit::judges
