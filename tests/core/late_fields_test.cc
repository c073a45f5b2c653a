#include "core/late_fields.h"

#include <gtest/gtest.h>

#include <string>

#include "support/layouts.h"

namespace portsplit::core {
namespace {

/// Returns `SERVICE LIST INDEX FIELD BYTES` of each field that comes late to a service with a pattern of hex,
/// above one that asks field b of layout test.
std::string late_fields(const std::string& hex, const std::string& rule) {
    Config config;
    config.layouts.push_back(layout_of({"start = " + rule}));
    Exec exec{"cat", {}};
    exec.env = {"X=test.b", "A test.a", "B test.b"};
    config.services.push_back({"s", {{PatternKind::Hex, Text(hex)}}, exec});
    config.services.back().log = {"end", "test.b"};
    config.services.push_back({"t", {}, Exec{"cat", {}}});
    config.services.back().layouts = {{"test", false, {{"b", {"zz"}}}}};
    config.services.back().log = {"test.a"};
    const Plan plan(config);
    std::string text;
    for (const LateField& it : find_late_fields(plan)) {
        text += std::to_string(it.service) + (it.is_logged ? " log " : " env ") +
                std::to_string(it.value) + " " + std::string(it.field.field) + " " +
                std::to_string(it.bytes) + "\n";
    }
    return text;
}

TEST(FindLateFields, ReturnsFieldsThatComeAfterTheByteThatDecides) {
    const std::string rule = "16 <a 1> <b 2>";
    EXPECT_EQ(late_fields("16", rule), "0 log 1 b 1\n0 env 1 a 1\n0 env 2 b 1\n");
    EXPECT_EQ(late_fields("16 ?? ??", rule), "0 log 1 b 3\n0 env 2 b 3\n");
    EXPECT_EQ(late_fields("16 ?? ?? ??", rule), "");
    EXPECT_EQ(late_fields("17", rule), "") << "no stream of the layout goes to the service";
    EXPECT_EQ(late_fields("16 ?? ??", "16 (01 <b 1> 01 | <a 1> <b 2>)"), "")
        << "sometimes b is there";
}

}  // namespace
}  // namespace portsplit::core
