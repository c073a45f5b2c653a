// The matcher against the prose of the decision rule, with any patterns and any bytes.
//
// An input is text that can be written by hand: one service on a line, its prefixes separated by
// '|'; an empty line; then the stream, in which '|' marks where it is cut into segments. So neither
// of the two bytes occurs in a pattern or a stream; the exhaustive tests know no such exception.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/verdict.h"

namespace {

using namespace portsplit::core;

struct Input {
    std::vector<std::vector<std::string>> services;
    std::string stream;
    std::vector<std::size_t> cuts;  ///< lengths of the stream at which a segment ends
};

/// The parts of a text between separators; at least one.
std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts(1);
    for (const char byte : text) {
        if (byte == separator) {
            parts.emplace_back();
        } else {
            parts.back() += byte;
        }
    }
    return parts;
}

Input parse(std::string_view text) {
    Input input;
    for (;;) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty()) break;
        std::vector<std::string> prefixes = split(line, '|');
        std::erase(prefixes, "");  // no valid configuration has an empty pattern
        input.services.push_back(std::move(prefixes));
    }
    for (const std::string& segment : split(text, '|')) {
        input.stream += segment;
        input.cuts.push_back(input.stream.size());
    }
    return input;
}

/// With the last resorts in front, where they must not matter, and the smallest window that can be.
Config config_of(const Input& input) {
    Config config;
    config.window = 1;
    config.services.resize(2);
    config.services[0].name = kTimeout;
    config.services[1].name = kFallback;
    for (const auto& prefixes : input.services) {
        Service& service = config.services.emplace_back();
        service.name = "service";
        for (const auto& prefix : prefixes)
            service.patterns.push_back({PatternKind::String, prefix});
    }
    return config;
}

constexpr std::size_t kTimeoutIndex = 0;
constexpr std::size_t kFallbackIndex = 1;
constexpr std::size_t kFirstService = 2;

/// Rule 1, by memcmp over what both have.
Answer answer_of(const std::vector<std::string>& prefixes, std::string_view seen) {
    bool might = false;
    for (const std::string& prefix : prefixes) {
        const std::size_t both = std::min(prefix.size(), seen.size());
        if (std::memcmp(prefix.data(), seen.data(), both) != 0) continue;
        if (prefix.size() <= seen.size()) return Answer::Match;
        might = true;
    }
    return might ? Answer::More : Answer::No;
}

/// Rules 2 to 4, sentence by sentence.
std::optional<Verdict> naive_decide(const Input& input, std::string_view seen, Ending ending) {
    std::vector<Answer> answers;
    for (const auto& prefixes : input.services) answers.push_back(answer_of(prefixes, seen));
    const auto first_match = [&]() -> std::optional<Verdict> {
        const auto match = std::find(answers.begin(), answers.end(), Answer::Match);
        const bool all_before_said_no =
            std::count(answers.begin(), match, Answer::No) == std::distance(answers.begin(), match);
        if (match == answers.end() || !all_before_said_no) return std::nullopt;
        const auto index = static_cast<std::size_t>(match - answers.begin());
        return Verdict{kFirstService + index, Reason::Match};
    };
    const auto size = static_cast<std::ptrdiff_t>(answers.size());

    if (const auto won = first_match()) return won;
    if (std::count(answers.begin(), answers.end(), Answer::No) == size) {
        return Verdict{kFallbackIndex, Reason::Fallback};
    }
    if (ending == Ending::Open) return std::nullopt;
    std::replace(answers.begin(), answers.end(), Answer::More, Answer::No);
    if (const auto won = first_match()) return won;
    if (ending == Ending::Deadline) return Verdict{kTimeoutIndex, Reason::Timeout};
    if (!seen.empty()) return Verdict{kFallbackIndex, Reason::Fallback};
    return Verdict{std::nullopt, Reason::Eof};
}

void require(bool holds, const char* promise) {
    if (holds) return;
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
}

constexpr Ending kEndings[] = {Ending::Open, Ending::EndOfStream, Ending::Deadline};

/// Every length of the stream, every ending: the naive verdict, and never another after a certain
/// one.
void check_every_length(const Input& input, const Plan& plan) {
    std::optional<Verdict> given;
    for (std::size_t length = 0; length <= input.stream.size(); ++length) {
        const std::string_view seen = std::string_view(input.stream).substr(0, length);
        for (const Ending ending : kEndings) {
            const auto verdict = decide(plan, as_bytes(seen), ending);
            require(verdict == naive_decide(input, seen, ending), "the verdict is the rule's");
            require(!given || verdict == given, "a verdict given never changes");
            require(verdict || ending == Ending::Open, "an ending leaves nothing undecided");
        }
        given = decide(plan, as_bytes(seen), Ending::Open);
        // Further on the naive rule would only repeat itself at the price of the stream's square.
        if (length > plan.window() + 1) break;
    }
}

/// Serving the segments as they come leads where the whole stream leads.
void check_segments(const Input& input, const Plan& plan) {
    for (const Ending ending : kEndings) {
        std::optional<Verdict> served;
        for (const std::size_t length : input.cuts) {
            const std::string_view seen = std::string_view(input.stream).substr(0, length);
            if (!served) served = decide(plan, as_bytes(seen), Ending::Open);
        }
        if (!served) served = decide(plan, as_bytes(input.stream), ending);
        require(served == decide(plan, as_bytes(input.stream), ending),
                "the verdict does not depend on how the stream was cut");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // Copied and not cast: the one way from libFuzzer's bytes to text that needs no cast.
    const Input input = parse(std::string(data, data + size));
    const Plan plan(config_of(input));
    check_every_length(input, plan);
    check_segments(input, plan);
    return 0;
}
