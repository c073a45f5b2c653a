#include "core/layout_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/plan.h"
#include "core/verdict.h"
#include "support/layouts.h"
#include "support/naive_layout.h"
#include "support/naive_layout_pattern.h"
#include "support/random_layout.h"

namespace portsplit::core {
namespace {

using naive::LayoutReader;

/// A service that asks the layout `test` for these fields.
Service asking(const std::string& name,
               const std::map<std::string, std::vector<std::string>>& conditions,
               bool whole = false) {
    Service service;
    service.name = name;
    LayoutPattern pattern{"test", whole, {}};
    for (const auto& [field, values] : conditions) {
        FieldCondition condition{Text(field), {}};
        for (const std::string& value : values) condition.values.emplace_back(value);
        pattern.conditions.push_back(condition);
    }
    service.layouts.push_back(pattern);
    return service;
}

Config config_with(const LayoutSource& layout, const std::vector<Service>& services) {
    Config config;
    config.layouts.push_back(layout);
    config.services.assign(services.begin(), services.end());
    return config;
}

/// A request of a protocol for tests: a name, a list, a number.
const LayoutSource& request() {
    static const LayoutSource source =
        layout_of({"start = 'R' {u8 part*} 'E'",
                   "part = 'n' {u8 <host name>} | 'l' {u8 member*} | 'p' <port u8> | ?? {u8}",
                   "member = {u8(1-9) <can*>}"});
    return source;
}

std::string part(char kind, const std::string& content) {
    return std::string(1, kind) + static_cast<char>(content.size()) + content;
}
std::string request_of(const std::string& parts) {
    return std::string("R") + static_cast<char>(parts.size()) + parts + "E";
}

/// Returns the answers after each byte, as `SERVICE ANSWER`; a run of equal ones once, with its first byte.
std::string answers(const Config& config, const std::string& stream) {
    const Plan plan(config);
    std::string text;
    std::string last;
    for (std::size_t size = 0; size <= stream.size(); ++size) {
        const auto standing = plan.ask(as_bytes(stream.substr(0, size)));
        std::string now(
            standing.service ? std::string(config.services[*standing.service].name) + " " : "");
        now += to_string(standing.answer);
        if (now != last) text += std::to_string(size) + ":" + now + " ";
        last = now;
    }
    return text;
}

TEST(LayoutIndex, DecidesWithTheLastByteOfTheField) {
    const Config config = config_with(request(), {asking("git", {{"host", {"git.test"}}}),
                                                  asking("all", {{"host", {"*.test"}}})});
    EXPECT_EQ(answers(config, request_of(part('n', "git.test") + part('x', "more"))),
              "0:git more 12:git match ");
    EXPECT_EQ(answers(config, request_of(part('x', "yy") + part('n', "WWW.Test."))),
              "0:git more 17:all match ");
    EXPECT_EQ(answers(config, request_of(part('n', "other"))), "0:git more 9:no ");
    EXPECT_EQ(answers(config, "S"), "0:git more 1:no ");
}

TEST(LayoutIndex, AsksForAllFieldsOfAPatternAndForAnyValueOfEach) {
    const Config config = config_with(
        request(), {asking("both", {{"host", {"a.test", "b.test"}}, {"can", {"h2", "h1"}}}),
                    asking("port", {{"port", {"1-50"}}}), asking("rest", {{"host", {"*"}}})});
    EXPECT_EQ(answers(config, request_of(part('n', "b.test") + part('l', "\2h1"))),
              "0:both more 15:both match ");
    EXPECT_EQ(answers(config, request_of(part('l', "\2h3\2h2") + part('n', "a.test"))),
              "0:both more 18:both match ");
    // The list ends without a value that fits: no before the name has come.
    EXPECT_EQ(answers(config, request_of(part('l', "\2h3") + part('n', "a.test") + "p\x07")),
              "0:both more 7:port more 17:port match ");
    EXPECT_EQ(answers(config, request_of(part('n', "c.test"))),
              "0:both more 10:port more 11:rest match ");
}

TEST(LayoutIndex, HasOneGroupForServicesThatDifferInOneField) {
    for (const bool is_twice : {false, true}) {
        std::vector<Service> services;
        for (int i = 0; i < 100; ++i) {
            std::vector<std::string> can{"h1"};
            if (is_twice) can.emplace_back("h2");
            services.push_back(asking("s" + std::to_string(i),
                                      {{"can", can}, {"host", {std::to_string(i) + ".test"}}}));
        }
        const Config config = config_with(request(), services);
        std::vector<LayoutIndex::Entry> entries;
        for (std::uint32_t i = 0; i < config.services.size(); ++i) {
            entries.push_back({&config.services[i].layouts.front(), i});
        }
        EXPECT_EQ(LayoutIndex(request(), entries).groups(), 1U);
    }
}

TEST(LayoutIndex, TakesTheWholeLayoutAsAPattern) {
    const Config config =
        config_with(request(), {asking("named", {{"host", {"*"}}}), asking("whole", {}, true)});
    EXPECT_EQ(answers(config, request_of(part('x', "y"))), "0:named more 6:whole match ");
    EXPECT_EQ(answers(config, request_of(part('n', "y"))), "0:named more 5:named match ");
    EXPECT_EQ(answers(config, "R\1yE"), "0:named more 3:no ");
}

TEST(LayoutIndex, LeavesWhatIsBehindTheLastFieldUnread) {
    const Config config = config_with(request(), {asking("git", {{"host", {"git.test"}}})});
    EXPECT_EQ(answers(config, request_of(part('n', "git.test") + "x\xff")),
              "0:git more 12:git match ");
}

/// Returns the service of the answer and the one that gave up, as `SERVICE, SERVICE`.
std::string standing(const Config& config, const std::string& stream) {
    const auto it = Plan(config).ask(as_bytes(stream));
    const auto name = [&](std::optional<std::size_t> service) {
        return service ? std::string(config.services[*service].name) : std::string("-");
    };
    return name(it.service) + ", " + name(it.gave_up);
}

TEST(LayoutIndex, TellsWhichServiceGaveUpOnAnExpression) {
    const std::string hard = "~(a+)+c";
    const std::string stream =
        request_of(part('n', std::string(60, 'a') + "b") + part('l', "\2h2") + "p\5");
    EXPECT_EQ(standing(config_with(request(), {asking("hard", {{"host", {hard}}}),
                                               asking("rest", {{"host", {"*"}}})}),
                       stream),
              "rest, hard");
    EXPECT_EQ(standing(config_with(request(), {asking("hard", {{"host", {hard}}})}), stream),
              "-, hard");
    // It is also asked something else, in a group of its own.
    EXPECT_EQ(standing(config_with(request(), {asking("other", {{"host", {"x"}}}),
                                               asking("hard", {{"host", {hard}}, {"port", {"5"}}}),
                                               asking("more", {{"host", {hard}}, {"port", {"6"}}}),
                                               asking("port", {{"port", {"5"}}})}),
                       stream),
              "port, hard");
    // Not what comes after the deciding service, nor the deciding service itself.
    EXPECT_EQ(standing(config_with(request(), {asking("rest", {{"host", {"*"}}}),
                                               asking("hard", {{"host", {hard}}})}),
                       stream),
              "rest, -");
    EXPECT_EQ(standing(config_with(request(), {asking("hard", {{"host", {hard, "*b"}}})}), stream),
              "hard, -");
    EXPECT_EQ(standing(config_with(request(), {asking("hard", {{"host", {hard}}}),
                                               asking("rest", {{"host", {"*"}}})}),
                       request_of(part('n', "b"))),
              "rest, -");
}

// --- against a plain evaluation ---

class RandomServices {
  public:
    explicit RandomServices(std::mt19937& random) : random_(random) {}

    std::vector<Service> make(const Layout& layout) {
        std::vector<Service> services;
        for (std::size_t i = 0; i < 1 + below(5); ++i) {
            std::map<std::string, std::vector<std::string>> conditions;
            for (const Layout::Field& field : layout.fields()) {
                if (below(2) == 0) continue;
                auto& values = conditions[std::string(field.name)];
                for (std::size_t k = 0; k <= below(3); ++k) values.push_back(value_for(field));
            }
            const bool whole = conditions.empty() || below(5) == 0;
            services.push_back(asking("s" + std::to_string(i), conditions, whole));
        }
        return services;
    }

  private:
    std::size_t below(std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
    }
    std::string value_for(const Layout::Field& field) {
        const std::vector<std::string> numbers{"*", "1", "2", "0-2", "97-98"};
        const std::vector<std::string> names{"*",  "a",    "ab", "a.b", "*.b",
                                             ".b", ".a.b", "a*", "*b"};
        const std::vector<std::string> bytes{"*", "a", "ab", "ba", "a*", "*b", "c"};
        const auto& all = field.number ? numbers : field.is_name ? names : bytes;
        return all[below(all.size())];
    }

    std::mt19937& random_;
};

TEST(LayoutIndexOfRandomLayouts, AgreesWithAskingEachService) {
    std::mt19937 random(1);
    std::map<Answer, std::size_t> said;
    for (int i = 0; i < 24'000; ++i) {
        const LayoutSource source = RandomLayout(random).make();
        const auto layout = Layout::compile(source);
        if (!layout) continue;
        const Config config = config_with(source, RandomServices(random).make(*layout));
        const Plan plan(config);
        LayoutReader oracle(source);
        std::vector<naive::OneLayoutPattern> patterns;
        for (const Service& service : config.services) {
            patterns.emplace_back(source, service.layouts.front());
        }
        Specimen specimen(source, random);
        for (int k = 0; k < 8; ++k) {
            std::string stream = specimen.make().substr(0, 40);
            for (int changes = k % 3; changes > 0; --changes) {
                stream = mutated(std::move(stream), random);
            }
            Plan::Reading reading(plan);
            std::size_t quiet_until = 0;
            Plan::Standing last;
            for (std::size_t size = 0; size <= stream.size(); ++size) {
                const std::string seen = stream.substr(0, size);
                const auto read = oracle.read(seen);
                Plan::Standing expected;
                for (std::size_t s = 0; s < patterns.size() && !expected.service; ++s) {
                    const Answer answer = patterns[s].answer(read);
                    if (answer != Answer::No) expected = {answer, s, {}};
                }
                const auto found = plan.ask(as_bytes(seen), reading);
                ASSERT_EQ(found.answer, expected.answer)
                    << show(source) << testing::PrintToString(seen);
                ASSERT_EQ(found.service, expected.service)
                    << show(source) << testing::PrintToString(seen);
                ASSERT_EQ(plan.ask(as_bytes(seen)).service, expected.service) << "from the front";
                const bool changed = found.answer != last.answer || found.service != last.service;
                ASSERT_TRUE(size == 0 || !changed || size >= quiet_until)
                    << "lack was too large: " << show(source) << testing::PrintToString(seen);
                if (size >= quiet_until) quiet_until = size + reading.lack();
                last = found;
                ++said[found.answer];
            }
        }
    }
    EXPECT_GT(said[Answer::Match], 5'000U);
    EXPECT_GT(said[Answer::More], 5'000U);
    EXPECT_GT(said[Answer::No], 5'000U);
}

}  // namespace
}  // namespace portsplit::core
