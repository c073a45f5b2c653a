#include "core/passing.h"

#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

#include "core/passed_fields.h"
#include "support/layouts.h"

namespace portsplit::core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string passed(const std::vector<std::string>& values) {
    FieldValues fields;
    for (const std::string& value : values) fields.add({value, 0, value.size(), value.size()});
    return passed_text(fields);
}

TEST(PassedText, KeepsThePlainBytesAndEscapesEachOther) {
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const std::string plain =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:/@+-";
        const bool is_plain = plain.find(c) != std::string::npos;
        char escape[4] = {};
        std::snprintf(escape, sizeof escape, "\\%02X", static_cast<unsigned>(byte));
        EXPECT_EQ(passed({std::string(1, c)}), is_plain ? std::string(1, c) : escape) << byte;
    }
}

TEST(PassedText, JoinsTheMembersOfAList) {
    EXPECT_EQ(passed({"h2", "http/1.1", "a,b"}), "h2,http/1.1,a\\2Cb");
    EXPECT_EQ(passed({""}), "");
}

TEST(PassedText, IsAtMost255CharactersAndCutsNoEscape) {
    EXPECT_EQ(passed({std::string(255, 'a')}), std::string(255, 'a'));
    EXPECT_EQ(passed({std::string(256, 'a')}), std::string(255, 'a'));
    EXPECT_EQ(passed({std::string(253, 'a') + " b"}), std::string(253, 'a'));
    EXPECT_EQ(passed({std::string(252, 'a') + " b"}), std::string(252, 'a') + "\\20");
    EXPECT_EQ(passed({std::string(255, 'a'), "b"}), std::string(255, 'a'));
}

// --- what a configuration passes on ---

Config config() {
    Config config;
    config.layouts.push_back(
        layout_of({"start = 'R' <name name [a-zA-Z.]> ' ' member* 'E' <tail 3>",
                   "member = 'm' {u8 <can*>}"}));
    Service asking{"asking", {}, Exec{"a", {}}};
    asking.layouts.push_back({"test", false, {{"name", {"a.b"}}}});
    config.services.push_back(asking);
    Service other{"other", {{PatternKind::String, "S"}}, Connect{{{"a", 1}}}};
    config.services.push_back(other);
    config.services.push_back({kFallback, {}, Connect{{{"a", 1}}}});
    return config;
}

/// Returns `SERVICE` and what is passed on: ` log`, then ` NAME=VALUE` or ` NAME` of each variable.
std::string passing(const Config& config, std::string_view seen, Ending ending = Ending::Open) {
    const Plan plan(config);
    Plan::Reading reading(plan);
    const auto decided = decide_and_pass(plan, as_bytes(seen), ending, reading);
    if (!decided) return "more";
    EXPECT_TRUE(is_logged_text(
        decided->passed.log, config,
        decided->verdict.service ? &plan.service(*decided->verdict.service) : nullptr))
        << decided->passed.log;
    std::string text(decided->verdict.service ? plan.service(*decided->verdict.service).name : "-");
    text += decided->passed.log;
    for (const Passed::Variable& it : decided->passed.variables) {
        text += " " + it.name + (it.value ? "=" + *it.value : "");
    }
    return text;
}

TEST(DecideAndPass, GivesAProgramTheFieldsThatItsServiceAsks) {
    EXPECT_EQ(passing(config(), "Ra.b m\1xE123"), "asking PORTSPLIT_TEST_NAME=a.b");
    EXPECT_EQ(passing(config(), "S"), "other");
}

TEST(DecideAndPass, PassesTheFieldsThatTheLogAndEnvName) {
    Config it = config();
    it.log = {"start", "test.can"};
    it.services[0].log = {"test.name", "test.can"};
    std::get<Exec>(it.services[0].action).env = {"A=test.name", "CAN test.can", "TAIL test.tail"};
    EXPECT_EQ(passing(it, "RA.B m\1xm\2 yE123"),
              "asking test.can=x,\\20y test.name=a.b PORTSPLIT_TEST_NAME=a.b CAN=x,\\20y TAIL=123");
}

TEST(DecideAndPass, WaitsForNoFieldThatIsOnlyPassedOn) {
    Config it = config();
    it.log = {"test.can", "test.tail"};
    std::get<Exec>(it.services[0].action).env = {"TAIL test.tail"};
    const std::string stream = "Ra.b m\1xm\1yE123";
    for (std::size_t size = 0; size <= stream.size(); ++size) {
        const std::string text = passing(it, stream.substr(0, size));
        std::string expected = size < 5 ? "more" : "asking";
        if (size >= 8) expected += size >= 11 ? " test.can=x,y" : " test.can=x";
        if (size >= 15) expected += " test.tail=123";
        if (size >= 5) expected += " PORTSPLIT_TEST_NAME=a.b TAIL";
        if (size >= 15) expected += "=123";
        EXPECT_EQ(text, expected) << size;
    }
}

TEST(DecideAndPass, PassesWhatHadComeBeforeTheStreamFailed) {
    Config it = config();
    it.log = {"test.name"};
    EXPECT_EQ(passing(it, "Rx.y q"), "fallback test.name=x.y");
    EXPECT_EQ(passing(it, "Q"), "fallback");
}

TEST(DecideAndPass, PassesFieldsOfAConnectionWithoutAService) {
    Config it = config();
    it.services.pop_back();
    it.log = {"test.name"};
    EXPECT_EQ(passing(it, "Rx.y q"), "- test.name=x.y");
}

TEST(DecideAndPass, LeavesOutALayoutThatNoServiceAsks) {
    Config it = config();
    it.services[0].layouts.clear();
    it.services[0].patterns.push_back({PatternKind::String, "R"});
    it.log = {"test.name", "none.such", "test.such"};
    EXPECT_EQ(passing(it, "Ra.b m\1xE123"), "asking");
}

TEST(DecideAndPass, LeavesOutOfTheLogWhatDoesNotFit) {
    Config it = config();
    it.layouts.clear();
    LayoutSource layout{"test", {{"start", ""}}};
    std::string start;
    std::string stream;
    for (char c = 'a'; c <= 'j'; ++c) {
        start += "{u8 <p" + std::string(1, c) + ">} ";
        stream += "\xfa" + std::string(250, c);
        it.log.push_back(Text("test.p" + std::string(1, c)));
    }
    layout.rules[0].text = start;
    it.layouts.push_back(layout);
    it.services[0].layouts = {{"test", true, {}}};
    const std::string text = passing(it, stream);
    EXPECT_LE(text.size(), kLongestLogged + 6);
    EXPECT_THAT(text, ::testing::HasSubstr(" test.pg=ggg"));
    EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr(" test.ph=")));
}

TEST(SplitTlv, ReadsTheValuesOfProxyTlv) {
    const FieldName sni{"tls", "sni"};
    EXPECT_EQ(split_tlv("crc32c"), (TlvSource{0x03, std::nullopt}));
    EXPECT_EQ(split_tlv("unique-id"), (TlvSource{0x05, std::nullopt}));
    EXPECT_EQ(split_tlv("authority tls.sni"), (TlvSource{0x02, sni}));
    EXPECT_EQ(split_tlv("alpn  tls.sni"), (TlvSource{0x01, sni}));
    EXPECT_EQ(split_tlv("0xE0 tls.sni"), (TlvSource{0xE0, sni}));
    EXPECT_EQ(split_tlv("0xef tls.sni"), (TlvSource{0xEF, sni}));
    EXPECT_EQ(split_tlv("0xF7 tls.sni"), (TlvSource{0xF7, sni}));
    for (const char* none :
         {"", "crc32", "crc32c tls.sni", "authority", "authority sni", "authority=tls.sni",
          "0xDF tls.sni", "0xF8 tls.sni", "0x3 tls.sni", "0x03 tls.sni", "224 tls.sni",
          "0xEG tls.sni", "authority tls.sni x"}) {
        EXPECT_EQ(split_tlv(none), std::nullopt) << none;
    }
}

TEST(DecideAndPass, GivesATargetTheBytesOfTheFieldsThatHadCome) {
    Config proxying = config();
    Connect connect{{{"a", 1}}};
    connect.proxy = ProxyHeader::V2;
    connect.proxy_tlv = {"crc32c", "authority test.name", "0xE0 test.can", "0xE1 test.tail"};
    proxying.services[0].action = connect;
    const Plan plan(proxying);
    const std::string stream("Ra.b m\2\"'m\1zEt", 14);
    Plan::Reading reading(plan);
    const auto decided = decide_and_pass(plan, as_bytes(stream), Ending::Open, reading);
    ASSERT_TRUE(decided);
    EXPECT_EQ(decided->verdict.service, 0U);
    // The first member of a list; the tail had not come.
    EXPECT_THAT(decided->passed.tlvs, ElementsAre(ProxyTlv{0x02, "a.b"}, ProxyTlv{0xE0, "\"'"}));
    EXPECT_THAT(decided->passed.variables, IsEmpty());
}

TEST(DecideAndPass, LeavesOutAFieldThatIsTooLongForATarget) {
    for (const std::size_t size : {255U, 256U}) {
        Config proxying = config();
        proxying.layouts[0] = layout_of({"start = 'R' <name name [a-zA-Z.]> ' ' <can 1-300> 'E'"});
        Connect connect{{{"a", 1}}};
        connect.proxy_tlv = {"0xE0 test.can"};
        proxying.services[0].action = connect;
        proxying.services[0].layouts[0].conditions.push_back({"can", {"*"}});
        const Plan plan(proxying);
        const std::string stream = "Ra.b " + std::string(size, 'x') + "E";
        Plan::Reading reading(plan);
        const auto decided = decide_and_pass(plan, as_bytes(stream), Ending::Open, reading);
        ASSERT_TRUE(decided);
        EXPECT_EQ(decided->verdict.service, 0U);
        EXPECT_EQ(decided->passed.tlvs.size(), size == 255 ? 1U : 0U);
    }
}

TEST(PassedFields, ReturnsThemAsTheyAreNamed) {
    Config it = config();
    EXPECT_THAT(passed_fields(it), IsEmpty());
    it.log = {"no", "test.name"};
    it.services[1].log = {"start", "test.can"};
    std::get<Exec>(it.services[0].action).env = {"A=b", "C \t test.tail", "D=e f"};
    EXPECT_THAT(passed_fields(it), ElementsAre("test.name", "test.tail", "test.can"));
}

TEST(MayCarryField, IsFalseForVariablesThatProgramsTrust) {
    for (const char* name :
         {"SITE", "DATABASE", "PATHS", "X", "TLS_SNI", "HOST", "SSL_TLS_SNI_SERVERNAME"}) {
        EXPECT_TRUE(may_carry_field(name)) << name;
    }
    for (const char* name :
         {"PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "IFS", "BASH_ENV", "PYTHONPATH",
          "PORTSPLIT_SERVICE", "TCPREMOTEIP", "REMOTE_HOST", "PROTO", "SSL_CERT_FILE"}) {
        EXPECT_FALSE(may_carry_field(name)) << name;
    }
}

TEST(LogLines, AreThoseOfTheServiceElseOfTheConfiguration) {
    Config it = config();
    EXPECT_EQ(log_lines(it, nullptr), LogLines::End);
    it.log = {"test.name", "no"};
    EXPECT_EQ(log_lines(it, nullptr), LogLines::None);
    EXPECT_EQ(log_lines(it, &it.services[0]), LogLines::None);
    it.services[0].log = {"start"};
    EXPECT_EQ(log_lines(it, &it.services[0]), LogLines::Start);
    it.services[0].log = {"end"};
    EXPECT_EQ(log_lines(it, &it.services[0]), LogLines::End);
}

// --- the trust boundary ---

TEST(IsLoggedText, TakesTheFieldsOfTheServiceInOrderAndNothingElse) {
    Config it = config();
    it.log = {"test.name"};
    it.services[0].log = {"test.can"};
    const Service* asking = &it.services[0];
    for (const char* text : {"", " test.name=a", " test.can=a,b",
                             " test.name=\\0A test.can=", " test.name= test.can=x"}) {
        EXPECT_TRUE(is_logged_text(text, it, asking)) << text;
    }
    for (const char* text :
         {"x", " ", " test.name=a\n", " test.name=a b", " test.name=a=b", " test.name=\\0",
          " test.name=\\0g", " test.can=a test.name=b", " test.name=a test.name=b", " test.tail=a",
          "test.name=a", " test.name=a ", " test.name", " test.name=\"", " test.name=\x80"}) {
        EXPECT_FALSE(is_logged_text(text, it, asking)) << text;
    }
    EXPECT_FALSE(is_logged_text(" test.can=a", it, &it.services[1]));
    EXPECT_TRUE(is_logged_text(" test.name=" + std::string(255, 'a'), it, asking));
    EXPECT_FALSE(is_logged_text(" test.name=" + std::string(256, 'a'), it, asking));
}

}  // namespace
}  // namespace portsplit::core
