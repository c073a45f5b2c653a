#include "config/layout_warnings.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "config/load.h"
#include "config/warnings.h"
#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kLayout =
    "[layout tls]\nstart = 16 03 {u8 <sni name>} {u8 {u8(1-9) <alpn*>}*}\n";

/// Returns the warnings about a file whose first three lines are kLayout and `above`.
std::vector<std::string> warnings_of(const std::string& services, const std::string& above = "") {
    const Loaded loaded = read(above + "\n" + kLayout + services, "f", Need::Services);
    EXPECT_THAT(texts_of(loaded.issues), IsEmpty());
    if (!loaded.config) return {};
    auto issues = advise_on_layouts(*loaded.config, loaded.origins);
    std::erase_if(issues, [](const Issue& issue) { return issue.severity == Severity::Note; });
    sort_by_spot(issues);
    return texts_of(issues);
}

TEST(AdviseOnLayouts, WarnsOfNamesThatAnEarlierServiceTakes) {
    EXPECT_THAT(
        warnings_of(
            "[sites]\ntls.sni = *.a.test\ntls.sni = b.test\nexec = a\n"
            "[www]\ntls.sni = c.test\ntls.sni = www.a.test\nexec = a\n"
            "[all]\ntls.sni = *.x.a.test\ntls.sni = B.test\ntls.sni = y.a.test\nexec = a\n"),
        ElementsAre(
            "f:10: warning: service www: tls.sni = www.a.test never decides: what fits, such as "
            "www.a.test, goes to service sites, which asks tls.sni = *.a.test on line 5; move this "
            "service above sites, or delete the value",
            "f:13: warning: service all: tls.sni = *.x.a.test and 2 more never decide: what fits, "
            "such "
            "as a.x.a.test, goes to service sites, which asks tls.sni = *.a.test on line 5; move "
            "this "
            "service above sites, or delete the value"));
}

TEST(AdviseOnLayouts, IsSilentWhereTheOrderIsRight) {
    EXPECT_THAT(
        warnings_of("[www]\ntls.sni = www.a.test\nexec = a\n"
                    "[h2]\ntls.sni = *.a.test\ntls.alpn = h2\nexec = a\n"
                    "[sites]\ntls.sni = *.a.test\nexec = a\n[rest]\nlayout = tls\nexec = a\n"),
        IsEmpty());
}

TEST(AdviseOnLayouts, WarnsOfAPatternThatTakesAllStreamsOfALayout) {
    EXPECT_THAT(
        warnings_of("[any]\nhex = 16 03\nexec = a\n[git]\ntls.sni = a.test\nexec = a\n"),
        ElementsAre(
            "f:8: warning: service git: what it asks of layout tls never decides: its streams "
            "begin with \"\\16\\03\", and go to service any for its pattern \"16 03\" on line 5; "
            "move this service above any"));
}

TEST(Advise, WarnsOnceOfAServiceOfWhichALayoutNeverDecides) {
    const auto names_for = [](const std::string& services) {
        const Loaded loaded = read(std::string("\n") + kLayout + services, "f", Need::Services);
        std::string names;
        for (const Issue& issue : advise(loaded)) {
            if (issue.service == "below") names.append(issue.name).append(" ");
        }
        return names;
    };
    const std::string below = "exec = a\n[below]\ntls.sni = a.test\nexec = a\n";
    EXPECT_EQ(names_for("[above]\ntls.sni = *.test\n" + below), "shadowed ");
    EXPECT_EQ(names_for("[above]\nhex = 16 03\n" + below), "shadowed ");
    EXPECT_EQ(names_for("[above]\nlayout = tls\n" + below), "never-wins ");
    EXPECT_EQ(names_for("[above]\ntls.sni = b.test\n" + below), "");
    // A pattern of the same service that takes what it asks of the layout.
    const std::string other = "[above]\nstring = SSH-\nexec = a\n";
    EXPECT_EQ(names_for(other + "[below]\nhex = 16 03\ntls.sni = a.test\nexec = a\n"), "shadowed ");
    EXPECT_EQ(
        names_for(other + "[below]\nregex = \\x16\\x03[\\x00-\\xff]\ntls.sni = a.test\nexec = a\n"),
        "shadowed ");
    EXPECT_EQ(names_for(other + "[below]\nstring = GET\ntls.sni = a.test\nexec = a\n"), "");
}

TEST(AdviseOnLayouts, WarnsOfAnAddressAsTheNameOfAServer) {
    EXPECT_THAT(
        warnings_of("[a]\ntls.sni = a.test\ntls.sni = 192.0.2.1\ntls.alpn = 192.0.2.1\n"
                    "exec = a\n[b]\ntls.sni = 2001:db8::1\nexec = a\n"),
        ElementsAre(
            "f:6: warning: service a: tls.sni = 192.0.2.1 hardly ever fits: a client that "
            "connects to an address sends no name (RFC 6066 3); write the name of the "
            "server",
            "f:10: warning: service b: tls.sni = 2001:db8::1 hardly ever fits: a client that "
            "connects to an address sends no name (RFC 6066 3); write the name of the "
            "server"));
}

TEST(AdviseOnLayouts, WarnsOfAWindowSmallerThanALayoutNeeds) {
    const std::string service = "[git]\ntls.sni = a.test\nexec = a\n";
    const auto too_small = [](const std::string& window, const std::string& layout,
                              const std::string& needed) {
        return "f:1: warning: window = " + window + ": a field of layout " + layout +
               " may lie behind so many bytes, and is never found there; write " + needed +
               " or more, or delete it";
    };
    // {u8 ...} twice, behind two bytes.
    EXPECT_THAT(warnings_of(service, "window = 513"), ElementsAre(too_small("513", "tls", "514")));
    EXPECT_THAT(warnings_of(service, "window = 514"), IsEmpty());
    EXPECT_THAT(warnings_of("[git]\nstring = a\nexec = a\n", "window = 512"), IsEmpty());
    const std::string endless = "[layout x]\nstart = (01 u8)* 02\n[s]\nlayout = x\nexec = a\n";
    EXPECT_THAT(warnings_of(service + endless, "window = 4095"),
                ElementsAre(too_small("4095", "x", "4096")));
    EXPECT_THAT(warnings_of(service + endless, "window = 4096"), IsEmpty());
}

TEST(AdviseOnLayouts, WarnsOfManyExpressionsForOneField) {
    const auto warnings = [](int count) {
        std::string services;
        for (int i = 0; i < count; ++i) {
            services +=
                fmt::format("[s{0}]\ntls.sni = ~{0}.*\ntls.sni = n{0}\nexec = a\n", 1000 + i);
        }
        return warnings_of(services);
    };
    EXPECT_THAT(warnings(499), IsEmpty());
    EXPECT_THAT(
        warnings(500),
        ElementsAre("f:1: warning: a value of tls.sni is compared with 500 expressions, one after "
                    "the other, about 0.2 us each; write values without a ~ where they do, such as "
                    "*.example.org for a name: those are looked up at once"));
}

TEST(AdviseOnLayouts, HasOneNoteOnTheNameOfATlsServer) {
    const std::string services =
        "[a]\ntls.sni = a.test\nexec = a\n[b]\ntls.sni = b.test\nexec = a\n[fallback]\nexec = a\n"
        "[timeout]\nexec = a\n";
    const auto issues = advise(read(kLayout + services, "f", Need::Services));
    EXPECT_THAT(
        texts_of(issues),
        ElementsAre("f:4: note: tls.sni is the name that a client shows before anything is proved: "
                    "with Encrypted Client Hello (ECH) it is the outer name, and a client may "
                    "write any. It chooses a server; it allows nobody in"));
    EXPECT_EQ(issues.front().name, "outer-name");
}

}  // namespace
}  // namespace portsplit::config
