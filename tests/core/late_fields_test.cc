#include "core/late_fields.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "support/layouts.h"

namespace portsplit::core {
namespace {

Action with_variables() {
    Exec exec{"cat", {}};
    exec.env = {"X=test.b", "A test.a", "B test.b"};
    return exec;
}

Action with_proxy() {
    Connect connect{{{"a", 1}}};
    connect.proxy = ProxyHeader::V2;
    connect.proxy_tlv = {"crc32c", "authority test.a", "alpn test.b"};
    return connect;
}

constexpr std::string_view kLists[] = {"log", "env", "proxy-tlv"};

/// Returns `SERVICE LIST INDEX FIELD BYTES` of each field that comes late to a service with a pattern of hex,
/// above one that asks field b of layout test.
std::string late_fields(std::string_view hex, const std::string& rule,
                        const Action& action = with_variables()) {
    Config config;
    config.layouts.push_back(layout_of({"start = " + rule}));
    config.services.push_back({"s", {{PatternKind::Hex, Text(hex)}}, action});
    config.services.back().log = {"end", "test.b"};
    config.services.push_back({"t", {}, Exec{"cat", {}}});
    config.services.back().layouts = {{"test", false, {{"b", {"zz"}}}}};
    config.services.back().log = {"test.a"};
    const Plan plan(config);
    std::string text;
    for (const LateField& it : find_late_fields(plan)) {
        text += std::to_string(it.service) + " ";
        text += kLists[static_cast<std::size_t>(it.list)];
        text += " " + std::to_string(it.value) + " " + std::string(it.field.field) + " " +
                std::to_string(it.bytes) + "\n";
    }
    return text;
}

TEST(FindLateFields, ReturnsFieldsThatComeAfterTheByteThatDecides) {
    const std::string rule = "16 <a 1> <b 2>";
    EXPECT_EQ(late_fields("16", rule), "0 log 1 b 1\n0 env 1 a 1\n0 env 2 b 1\n");
    EXPECT_EQ(late_fields("16 ?? ??", rule), "0 log 1 b 3\n0 env 2 b 3\n");
    EXPECT_EQ(late_fields("16 ?? ?? ??", rule), "");
    EXPECT_EQ(late_fields("16", rule, with_proxy()),
              "0 log 1 b 1\n0 proxy-tlv 1 a 1\n0 proxy-tlv 2 b 1\n");
    EXPECT_EQ(late_fields("16 ?? ?? ??", rule, with_proxy()), "");
    EXPECT_EQ(late_fields("17", rule), "") << "no stream of the layout goes to the service";
    EXPECT_EQ(late_fields("16 ?? ??", "16 (01 <b 1> 01 | <a 1> <b 2>)"), "")
        << "sometimes b is there";
}

}  // namespace
}  // namespace portsplit::core
