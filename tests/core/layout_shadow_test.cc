#include "core/layout_shadow.h"

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/field_index.h"
#include "core/field_test.h"
#include "core/layout.h"
#include "core/names.h"
#include "support/layouts.h"

namespace portsplit::core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

LayoutSource fields() { return layout_of({"start = 'R' {u8 <host name>} {u8 <path>} <port u16>"}); }

/// A service that asks values of one field, or of several: `host=a b`.
Service asking(const std::vector<std::pair<std::string, std::vector<std::string>>>& conditions,
               bool whole = false) {
    Service service;
    LayoutPattern pattern{"test", whole, {}};
    for (const auto& [field, values] : conditions) {
        FieldCondition condition{Text(field), {}};
        for (const std::string& value : values) condition.values.emplace_back(value);
        pattern.conditions.push_back(condition);
    }
    service.layouts.push_back(pattern);
    return service;
}

Config config_of(const std::vector<Service>& services) {
    Config config;
    config.layouts.push_back(fields());
    config.services.assign(services.begin(), services.end());
    return config;
}

/// Returns `SERVICE.VALUE by SERVICE.VALUE (EXAMPLE)` for each.
std::vector<std::string> shadows(const Config& config) {
    std::vector<std::string> texts;
    const auto place = [&](const ValuePlace& it) {
        return std::to_string(it.service) + " " +
               std::string(config.services[it.service]
                               .layouts[it.layout]
                               .conditions[it.condition]
                               .values[it.value]);
    };
    for (const ValueShadow& it : find_value_shadows(config)) {
        texts.push_back(place(it.at) + " by " + place(it.by) + " (" + it.example + ")");
    }
    return texts;
}

TEST(FindValueShadows, FindsAValueThatAnEarlierServiceTakes) {
    EXPECT_THAT(
        shadows(config_of({asking({{"host", {"*.a.test", "b.test"}}}),
                           asking({{"host", {"x.a.test", "a.test", "B.test."}}}),
                           asking({{"port", {"1-1024"}}}), asking({{"port", {"443", "1-9"}}}),
                           asking({{"path", {"/api*"}}}), asking({{"path", {"/api/v1"}}})})),
        ElementsAre("1 x.a.test by 0 *.a.test (x.a.test)", "1 B.test. by 0 b.test (b.test)",
                    "3 443 by 2 1-1024 (443)", "3 1-9 by 2 1-1024 (1)",
                    "5 /api/v1 by 4 /api* (/api/v1)"));
}

TEST(FindValueShadows, ReportsNothingWithinAServiceOrBelowOneThatAsksMore) {
    EXPECT_THAT(shadows(config_of({asking({{"host", {"*", "a.test"}}})})), IsEmpty());
    EXPECT_THAT(shadows(config_of({asking({{"host", {"*"}}, {"port", {"1"}}}),
                                   asking({{"host", {"a.test"}}}), asking({}, true)})),
                IsEmpty());
    EXPECT_THAT(shadows(config_of({asking({{"host", {"*"}}}, true), asking({{"host", {"a"}}})})),
                IsEmpty());
    EXPECT_THAT(shadows(config_of({asking({{"path", {"*"}}}), asking({{"host", {"a"}}})})),
                IsEmpty());
}

TEST(FindValueShadows, ReportsAServiceThatAsksMoreThanAnEarlierOne) {
    EXPECT_THAT(shadows(config_of(
                    {asking({{"host", {"*"}}}), asking({{"host", {"a"}}, {"port", {"1"}}}, true)})),
                ElementsAre("1 a by 0 * (a)"));
}

/// All names of up to five bytes of an alphabet that has a label, a second one, and the dot.
std::vector<std::string> all_values() {
    std::vector<std::string> values{""};
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i].size() == 5) continue;
        for (const char c : {'a', 'b', '.'}) values.push_back(values[i] + c);
    }
    return values;
}

TEST(FindValueShadows, IsRightForEveryValueOfASmallAlphabet) {
    const auto layout = Layout::compile(fields());
    ASSERT_TRUE(layout);
    const std::vector<std::string> values = all_values();
    const std::vector<std::string> tests{"*",    "a",    "a.b",   "b.a",  "*.a",   "*.b",   ".a",
                                         ".b",   ".a.b", "*.a.b", "a*",   "a.*",   "*b",    "*.",
                                         "*a.b", "~a+",  "ab",    "~.*b", "\\2Ea", "*\\2Eb"};
    std::size_t reported = 0;
    for (std::size_t later = 0; later < tests.size(); ++later) {
        for (std::size_t earlier = 0; earlier < tests.size(); ++earlier) {
            for (const std::string field : {"host", "path"}) {
                const Layout::Field& kind = layout->fields()[*layout->find_field(field)];
                const auto one = parse_field_test(tests[earlier], kind);
                const auto other = parse_field_test(tests[later], kind);
                if (!one || !other) continue;
                const FieldIndex first({{*one, 0}});
                const FieldIndex second({{*other, 0}});
                const auto takes = [](const FieldIndex& index, const std::string& text) {
                    return index.find(text).first != FieldIndex::kNone;
                };
                const auto found = find_value_shadows(config_of(
                    {asking({{field, {tests[earlier]}}}), asking({{field, {tests[later]}}})}));
                bool is_covered = true;
                for (const std::string& value : values) {
                    const std::string text = kind.is_name ? folded_name(value) : value;
                    if (kind.is_name && text.empty()) continue;  // no name
                    const bool fits = takes(second, text);
                    is_covered &= !fits || takes(first, text);
                    if (fits && !found.empty()) {
                        EXPECT_TRUE(takes(first, text))
                            << field << ": " << tests[earlier] << " above " << tests[later] << ": "
                            << text;
                    }
                }
                // What is proved is all that there is, but for expressions.
                const bool is_expression = tests[later][0] == '~' || tests[earlier][0] == '~';
                if (!is_expression) {
                    EXPECT_EQ(!found.empty(), is_covered)
                        << field << ": " << tests[earlier] << " above " << tests[later];
                }
                if (!found.empty()) ++reported;
            }
        }
    }
    EXPECT_GT(reported, 100U);
}

// --- patterns above layouts ---

TEST(FindLayoutShadows, FindsALayoutWhoseBeginningAnEarlierPatternTakes) {
    Config config;
    config.layouts.push_back(layout_of({"frame = 16 03 ?? {u16 <>}", "start = 01 {u24 <x>}"}));
    Service plain{"plain", {{PatternKind::Hex, "17"}, {PatternKind::Hex, "16 03"}}, Connect{}};
    Service asking{"asking", {}, Connect{}};
    asking.layouts.push_back({"test", false, {{"x", {"a"}}}});
    config.services = {plain, asking, asking};
    EXPECT_THAT(find_layout_shadows(config), ElementsAre(LayoutShadow{1, 0, {0, 1}, "\x16\x03"},
                                                         LayoutShadow{2, 0, {0, 1}, "\x16\x03"}));
    config.services = {asking, plain};
    EXPECT_THAT(find_layout_shadows(config), IsEmpty());
    for (const char* other : {"16 03 01", "16 03 ?? ?? ?? 02", "16 03 ?? ?? ?? 01 00"}) {
        plain.patterns = {{PatternKind::Hex, other}};
        config.services = {plain, asking};
        EXPECT_THAT(find_layout_shadows(config), IsEmpty()) << other;
    }
    for (const char* other : {"16 03 ?? ?? ?? 01", "16", "16 03 ?? ?? ?? 01 ??"}) {
        plain.patterns = {{PatternKind::Hex, other}};
        config.services = {plain, asking};
        EXPECT_EQ(find_layout_shadows(config).size(), 1U) << other;
    }
}

}  // namespace
}  // namespace portsplit::core
