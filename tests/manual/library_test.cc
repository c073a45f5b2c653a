// The library of patterns (contrib/patterns) against the recordings of clients
// (contrib/patterns/recordings): each recording goes to its own service, whatever other entries are
// included and however its bytes are cut into segments.

#include "manual/library.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_set.h"
#include "core/examples.h"
#include "core/pattern.h"

namespace portsplit::manual {
namespace {

using namespace std::string_literals;

/// A pair of entries that match common streams. No other pair does.
struct Overlap {
    std::string_view narrow;
    std::string_view wide;
    std::string_view reason;
};
constexpr std::array kOverlaps{
    Overlap{"tls-1.0", "tls", "tls is any version"},
    Overlap{"tls-1.1", "tls", "tls is any version"},
    Overlap{"tls-1.2", "tls", "tls is any version"},
    Overlap{"tls-1.3", "tls", "tls is any version"},
    Overlap{"postgresql-sslrequest", "postgresql",
            "psql sends an SSLRequest and continues without TLS"},
};

const Overlap* find_overlap(const Known& narrow, const Known& wide) {
    const auto* found = std::find_if(kOverlaps.begin(), kOverlaps.end(), [&](const Overlap& it) {
        return it.narrow == narrow.name && it.wide == wide.name;
    });
    return found == kOverlaps.end() ? nullptr : found;
}

void expect_own_service(const core::Plan& plan, const Known& known) {
    for (const Recording& recording : known.recordings) {
        EXPECT_EQ(way_of(plan, recording.bytes), known.name + " match")
            << known.name << "/" << recording.client;
    }
}

TEST(PatternLibrary, HasRecordingsAndTheFilesNameForEachEntry) {
    const std::vector<Known> library = read_library();
    EXPECT_GE(library.size(), 60U);
    for (const Known& known : library) {
        EXPECT_EQ(std::string_view(known.entry.service.name), known.name);
        EXPECT_FALSE(known.recordings.empty()) << known.name;
    }
}

TEST(PatternLibrary, HasAnEntryAndAHeadingForEachRecording) {
    for (const fs::directory_entry& folder : fs::directory_iterator(kRecordings)) {
        if (!folder.is_directory()) continue;
        EXPECT_TRUE(fs::exists(kLibrary / (folder.path().filename().string() + ".conf"))) << folder;
        for (const fs::path& recording : files_in(folder, ".hex")) {
            const std::string text = content(recording);
            const bool by_hand = recording.filename().string().starts_with("handmade-");
            EXPECT_EQ(text.starts_with("# By hand. "), by_hand) << recording;
            EXPECT_TRUE(text.starts_with("# ")) << recording;
        }
    }
}

TEST(PatternLibrary, RoutesEachRecordingToItsServiceWhenAllAreIncluded) {
    const std::vector<Known> library = read_library();
    const dispatch::SharedPlan plan = plan_of(pointers(library));
    for (const Known& known : library) expect_own_service(plan.plan(), known);
}

TEST(PatternLibrary, SeparatesTheRecordingsOfEachPairInBothOrders) {
    const std::vector<Known> library = read_library();
    for (const Known& one : library) {
        for (const Known& other : library) {
            if (&one == &other || find_overlap(other, one) != nullptr) continue;
            const dispatch::SharedPlan plan = plan_of({&one, &other});
            expect_own_service(plan.plan(), one);
            expect_own_service(plan.plan(), other);
        }
    }
}

TEST(PatternLibrary, RoutesNarrowRecordingsToAWiderEntryDeclaredFirst) {
    const std::vector<Known> library = read_library();
    for (const Known& narrow : library) {
        for (const Known& wide : library) {
            const Overlap* overlap = find_overlap(narrow, wide);
            if (overlap == nullptr) continue;
            for (const Recording& recording : narrow.recordings) {
                EXPECT_EQ(way_of(plan_of({&wide, &narrow}).plan(), recording.bytes),
                          wide.name + " match")
                    << overlap->reason << ": " << narrow.name << "/" << recording.client;
            }
        }
    }
}

/// Returns true if one stream can begin with bytes that both patterns allow.
bool have_a_stream_in_common(const core::ByteSets& one, const core::ByteSets& other) {
    for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i) {
        bool shared = false;
        for (unsigned byte = 0; byte <= 0xFF && !shared; ++byte) {
            const auto candidate = static_cast<std::uint8_t>(byte);
            shared = one[i].holds(candidate) && other[i].holds(candidate);
        }
        if (!shared) return false;
    }
    return true;
}

/// A pattern of an entry, and beginnings of streams that match it, as far as some were found.
struct Shown {
    const Known* known;
    core::PatternSource source;
    std::optional<core::ByteSets> fixed;
    std::unique_ptr<const core::Pattern> pattern;
    std::vector<std::string> starts;

    bool matches(std::string_view stream) const {
        return pattern->answer(core::as_bytes(stream)) == core::Answer::Match;
    }
};

std::vector<Shown> show_patterns(const std::vector<Known>& library) {
    std::vector<Shown> all;
    for (const Known& known : library) {
        for (const core::PatternSource& source : known.entry.service.patterns) {
            all.push_back({&known, source, core::byte_sets(source), *core::compile(source),
                           core::find_examples(source, 512, 64).matches});
        }
    }
    return all;
}

/// Changes as few bytes of the stream as needed so that a pattern of fixed length matches it.
std::string begun_as(const core::ByteSets& sets, std::string stream) {
    stream.resize(std::max(stream.size(), sets.size()));
    for (std::size_t i = 0; i < sets.size(); ++i) {
        auto byte = static_cast<std::uint8_t>(stream[i]);
        while (!sets[i].holds(byte)) ++byte;
        stream[i] = static_cast<char>(byte);
    }
    return stream;
}

/// Returns true if a stream is found that both patterns match. For two patterns of fixed length the
/// result is exact. Otherwise the recordings of `other` are changed so that `one` matches them.
bool share_a_stream(const Shown& one, const Shown& other) {
    if (one.fixed && other.fixed) return have_a_stream_in_common(*one.fixed, *other.fixed);
    for (const Recording& recording : other.known->recordings) {
        if (one.fixed && other.matches(begun_as(*one.fixed, recording.bytes))) return true;
        for (const std::string& start : one.starts) {
            std::string stream = recording.bytes;
            stream.replace(0, start.size(), start);
            if (other.matches(stream)) return true;
        }
    }
    return false;
}

TEST(PatternLibrary, SharesNoStreamBetweenTwoEntries) {
    const std::vector<Known> library = read_library();
    const std::vector<Shown> patterns = show_patterns(library);
    for (const Shown& one : patterns) {
        for (const Shown& other : patterns) {
            if (one.known == other.known || find_overlap(*one.known, *other.known) != nullptr ||
                find_overlap(*other.known, *one.known) != nullptr) {
                continue;
            }
            EXPECT_FALSE(share_a_stream(one, other))
                << one.known->name << ": " << one.source.text << "\n"
                << other.known->name << ": " << other.source.text;
        }
    }
}

TEST(PatternLibrary, RoutesUnknownProtocolsToFallback) {
    struct Stranger {
        std::string what;
        std::string bytes;
    };
    const std::vector<Stranger> strangers = {
        {"SMTP", "EHLO client.example\r\n"},
        {"FTP", "USER name\r\n"},
        {"RTSP-like method of another protocol", "OPTIONS foo:bar X/1.0\r\n"},
        {"a later protocol of tinc", "0 client 18.0\n"},
        {"NATS", "CONNECT{}\r\n"},
        {"finger and whois", "user\r\n"},
        {"gopher", "/folder\r\n"},
        {"LPD", "\2printer\n"},
        {"an answer of AJP", "AB\0\x03\x06\0\xc8"s},
        {"a later record of FastCGI", "\1\4\0\1\0\x08\0\0\0\1"s},
        {"a later message of PPTP", "\0\x0c\0\1\x1a\x2b\x3c\x4d\0\3\0\0"s},
        {"a later request of Diameter", "\1\0\0\xb0\xc0\0\1\x10\0\0\0\4"s},
        {"a later request of SMPP", "\0\0\0\x2f\0\0\0\4\0\0\0\0\0\0\0\2"s},
        {"a later packet of TACACS+", "\xc0\1\3\0\1\2\3\4\0\0\0\x0f"s},
        {"ZMTP 1.0", "\1\0\6\0hello"s},
        {"the port mapper", "\x80\0\0\x38\1\2\3\4\0\0\0\0\0\0\0\2\0\1\x86\xa0"s},
        {"the distribution of Erlang", "\0\x15n\0\5\0\7\x49\x9c"s},
        {"the login of Sybase", "\2\0\2\0\0\0\0\0"s},
        {"Apple filing", "\0\4\0\1\0\0\0\0\0\0\0\6\0\0\0\0"s},
        {"S7 over TPKT", "\3\0\0\x16\x11\xe0\0\0\0\1\0\xc1\2\1\0\xc2\2\1\2\xc0\1\x0a"s},
        {"DCE RPC", "\5\0\x0b\3\x10\0\0\0"s},
        {"SNMP", "\x30\x29\2\1\1\4\6public"s},
        {"an alert of TLS", "\x15\3\3\0\2\2\x28"s},
        {"a message of syslog with an impossible priority", "<192>text"},
        {"nothing but zeros", std::string(32, '\0')},
    };
    const std::vector<Known> library = read_library();
    const dispatch::SharedPlan plan = plan_of(pointers(library));
    for (const Stranger& stranger : strangers) {
        EXPECT_EQ(way_of(plan.plan(), stranger.bytes), "fallback fallback") << stranger.what;
    }
}

}  // namespace
}  // namespace portsplit::manual
