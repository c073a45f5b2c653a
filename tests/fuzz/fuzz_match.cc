// Compares `decide` with the naive rule, for patterns of all kinds, layouts, and any bytes.
//
// An input can be written by hand. A line is one pattern: s: and the bytes of a string, h: and the
// notation of hex, r: and an expression, l: and the letter of what is asked of a layout: a is the first of
// support/small_layouts.h. Any other line begins the next service. An empty line ends
// the services; the rest is the stream, in which '|' marks the end of a segment. So a string cannot
// contain a newline and a stream no '|'; the exhaustive tests cover these.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/verdict.h"
#include "dispatch/shared_plan.h"
#include "support/checks.h"
#include "support/naive_rule.h"
#include "support/segments.h"
#include "support/small_layouts.h"

namespace {

using namespace portsplit::core;

/// An expression may take a millisecond for each length of the stream.
constexpr std::size_t kLongestInput = 1024;
constexpr std::size_t kMostExpressions = 4;
/// Small, so that streams fill it.
constexpr std::size_t kWindow = 24;

struct Input {
    struct Asked {
        std::vector<PatternSource> patterns;
        std::vector<LayoutPattern> layouts;
    };
    std::vector<Asked> services;
    std::string stream;
    std::vector<std::size_t> cuts;  ///< lengths of the stream at which a segment ends
};

std::optional<PatternSource> read_pattern(std::string_view line) {
    const Text text(line.substr(std::min<std::size_t>(2, line.size())));
    if (line.starts_with("s:")) return PatternSource{PatternKind::String, text};
    if (line.starts_with("h:")) return PatternSource{PatternKind::Hex, text};
    if (line.starts_with("r:")) return PatternSource{PatternKind::Regex, text};
    return std::nullopt;
}

/// Returns what is asked of a layout. A service asks each layout once.
std::optional<LayoutPattern> read_asked(std::string_view line,
                                        const std::vector<LayoutPattern>& so_far) {
    if (!line.starts_with("l:") || line.size() != 3) return std::nullopt;
    const auto index = static_cast<std::size_t>(line[2] - 'a');
    if (index >= small_layout_pool().size()) return std::nullopt;
    const LayoutPattern& asked = small_layout_pool()[index];
    const bool is_new =
        std::ranges::find(so_far, asked.layout, &LayoutPattern::layout) == so_far.end();
    return is_new ? std::optional(asked) : std::nullopt;
}

/// Returns false for what config/ rejects: an empty string, or a text that does not compile.
bool is_valid(const PatternSource& source) {
    if (source.kind == PatternKind::String) return !source.text.empty();
    return compile(source).ok();
}

Input parse(std::string_view text) {
    Input input;
    input.services.emplace_back();
    std::size_t expressions = 0;
    for (;;) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty()) break;
        Input::Asked& service = input.services.back();
        if (const auto asked = read_asked(line, service.layouts)) {
            service.layouts.push_back(*asked);
            continue;
        }
        auto source = read_pattern(line);
        if (!source) {
            input.services.emplace_back();
            continue;
        }
        const bool is_expression = source->kind == PatternKind::Regex;
        if (is_expression && ++expressions > kMostExpressions) continue;
        if (is_valid(*source)) service.patterns.push_back(*std::move(source));
    }
    for (const char byte : text) {
        if (byte == '|') {
            input.cuts.push_back(input.stream.size());
        } else {
            input.stream += byte;
        }
    }
    return input;
}

/// The last resorts come first, where they must change nothing.
Config config_of(const Input& input) {
    Config config;
    config.window = kWindow;
    config.layouts = small_layouts();
    config.services = {{kTimeout, {}, {}}, {kFallback, {}, {}}};
    for (const auto& [patterns, layouts] : input.services) {
        Service& service = config.services.emplace_back();
        service.name = "service";
        service.patterns.assign(patterns.begin(), patterns.end());
        service.layouts.assign(layouts.begin(), layouts.end());
    }
    return config;
}

/// Checks every length of the stream with every ending: the verdict is the naive one, and stays the
/// same once it is certain.
void check_every_length(const Input& input, const naive::Rule& rule, const Plan& plan) {
    std::optional<Verdict> given;
    for (std::size_t length = 0; length <= input.stream.size(); ++length) {
        const std::string_view seen = std::string_view(input.stream).substr(0, length);
        for (const Ending ending : kEndings) {
            const auto verdict = decide(plan, as_bytes(seen), ending);
            require(verdict == rule.decide(seen, ending), "the verdict is that of the naive rule");
            require(!given || verdict == given, "a verdict never changes");
            require(verdict || ending == Ending::Open, "an ending leaves nothing undecided");
        }
        given = decide(plan, as_bytes(seen), Ending::Open);
        // Bytes beyond the window are ignored, and each length costs time.
        if (length > plan.window() + 1) break;
    }
}

/// Checks that the verdict on the whole stream is also that of its segments.
void check_segments(const Input& input, const Plan& plan) {
    for (const Ending ending : kEndings) {
        require(decide_in_segments(plan, input.stream, input.cuts, ending) ==
                    decide(plan, as_bytes(input.stream), ending),
                "the verdict does not depend on how the stream was cut");
    }
}

}  // namespace

// fault: C6
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > kLongestInput) return 0;
    // Copied: a view of these bytes as text would need a cast.
    const Input input = parse(std::string(data, data + size));
    const Config config = config_of(input);
    const auto shared = portsplit::dispatch::SharedPlan::build(config);
    require(shared.ok(), "a plan can be shared");
    require(shared->plan().config() == config, "a shared plan has the configuration");
    const Plan plan(config);
    note_accepted();
    // Not made from a plan: a plan with a wrong configuration would be compared with itself.
    const naive::Rule rule(config);
    for (const Plan* each : {&plan, &shared->plan()}) {
        check_every_length(input, rule, *each);
        check_segments(input, *each);
    }
    return 0;
}
