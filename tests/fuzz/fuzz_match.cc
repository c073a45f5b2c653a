// The matcher against the prose of the decision rule, with patterns of all kinds and any bytes.
//
// An input is text that can be written by hand. One pattern on a line: s: and the bytes of a
// string, h: and the notation of hex, r: and an expression. A line of any other kind begins the
// next service. An empty line ends the services; what follows is the stream, in which '|' marks
// where it is cut into segments. So a string has no newline and a stream no '|'; the exhaustive
// tests know no such exception.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/hex.h"
#include "core/verdict.h"
#include "support/checks.h"

namespace {

using namespace portsplit::core;

/// Expressions may cost up to a millisecond a look, and every length of the stream is looked at.
constexpr std::size_t kLongestInput = 1024;
constexpr std::size_t kMostExpressions = 4;
/// Small, so that streams fill it; expressions may need more.
constexpr std::size_t kWindow = 24;

struct Input {
    std::vector<std::vector<PatternSource>> services;
    std::string stream;
    std::vector<std::size_t> cuts;  ///< lengths of the stream at which a segment ends
};

std::optional<PatternSource> read_pattern(std::string_view line) {
    const std::string text(line.substr(std::min<std::size_t>(2, line.size())));
    if (line.starts_with("s:")) return PatternSource{PatternKind::String, text};
    if (line.starts_with("h:")) return PatternSource{PatternKind::Hex, text};
    if (line.starts_with("r:")) return PatternSource{PatternKind::Regex, text};
    return std::nullopt;
}

/// No valid configuration has an empty string or what does not compile.
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
        auto source = read_pattern(line);
        if (!source) {
            input.services.emplace_back();
            continue;
        }
        const bool is_expression = source->kind == PatternKind::Regex;
        if (is_expression && ++expressions > kMostExpressions) continue;
        if (is_valid(*source)) input.services.back().push_back(*std::move(source));
    }
    for (const char byte : text) {
        if (byte == '|') {
            input.cuts.push_back(input.stream.size());
        } else {
            input.stream += byte;
        }
    }
    input.cuts.push_back(input.stream.size());
    return input;
}

constexpr std::size_t kTimeoutIndex = 0;
constexpr std::size_t kFallbackIndex = 1;
constexpr std::size_t kFirstService = 2;

/// With the last resorts in front, where they must not matter.
Config config_of(const Input& input) {
    Config config;
    config.window = kWindow;
    config.services.resize(2);
    config.services[kTimeoutIndex].name = kTimeout;
    config.services[kFallbackIndex].name = kFallback;
    for (const auto& patterns : input.services) {
        Service& service = config.services.emplace_back();
        service.name = "service";
        service.patterns = patterns;
    }
    return config;
}

/// One pattern on its own. Those of fixed length byte by byte, without the tree; of expressions
/// fuzz_regex knows what is right.
class NaivePattern {
  public:
    explicit NaivePattern(const PatternSource& source) {
        if (source.kind == PatternKind::Regex) {
            expression_ = *compile(source);
        } else if (source.kind == PatternKind::Hex) {
            sets_ = *parse_hex(source.text);
        } else {
            for (const char byte : source.text) {
                sets_.push_back(ByteSet::only(static_cast<std::uint8_t>(byte)));
            }
        }
    }

    Answer answer(std::string_view seen) const {
        if (expression_) return expression_->answer(as_bytes(seen));
        for (std::size_t i = 0; i < sets_.size(); ++i) {
            if (i == seen.size()) return Answer::More;
            if (!sets_[i].holds(static_cast<std::uint8_t>(seen[i]))) return Answer::No;
        }
        return Answer::Match;
    }

  private:
    ByteSets sets_;
    std::unique_ptr<const Pattern> expression_;
};

/// Rules 1 to 5, sentence by sentence.
class NaiveRule {
  public:
    explicit NaiveRule(const Input& input) {
        for (const auto& sources : input.services) {
            auto& patterns = services_.emplace_back();
            for (const PatternSource& source : sources) patterns.emplace_back(source);
        }
    }

    std::optional<Verdict> decide(std::string_view stream, std::size_t window,
                                  Ending ending) const {
        const std::string_view seen = stream.substr(0, window);
        std::vector<Answer> answers = ask(seen);
        if (const auto verdict = certain(answers, seen)) return verdict;
        const bool is_full = seen.size() == window;
        if (ending == Ending::Open && !is_full) return std::nullopt;
        std::replace(answers.begin(), answers.end(), Answer::More, Answer::No);
        const auto verdict = certain(answers, seen);
        if (verdict->reason == Reason::Match || is_full) return verdict;
        if (ending == Ending::Deadline) {
            return Verdict{kTimeoutIndex, Reason::Timeout, verdict->gave_up};
        }
        if (!seen.empty()) return verdict;
        return Verdict{std::nullopt, Reason::Eof, verdict->gave_up};
    }

  private:
    std::vector<Answer> ask(std::string_view seen) const {
        std::vector<Answer> answers;
        for (const auto& patterns : services_) {
            Answer best = Answer::No;
            for (const auto& pattern : patterns) best = std::max(best, pattern.answer(seen));
            answers.push_back(best);
        }
        return answers;
    }

    std::optional<Verdict> certain(const std::vector<Answer>& answers,
                                   std::string_view seen) const {
        for (std::size_t i = 0; i < answers.size(); ++i) {
            if (answers[i] == Answer::More) return std::nullopt;
            if (answers[i] != Answer::Match) continue;
            return Verdict{kFirstService + i, Reason::Match, gave_up(i, seen)};
        }
        return Verdict{kFallbackIndex, Reason::Fallback, gave_up(answers.size(), seen)};
    }

    /// The first service before the winner that has a pattern which gave up.
    std::optional<std::size_t> gave_up(std::size_t winner, std::string_view seen) const {
        for (std::size_t i = 0; i < winner; ++i) {
            for (const NaivePattern& pattern : services_[i]) {
                if (pattern.answer(seen) == Answer::GaveUp) return kFirstService + i;
            }
        }
        return std::nullopt;
    }

    std::vector<std::vector<NaivePattern>> services_;
};

constexpr Ending kEndings[] = {Ending::Open, Ending::EndOfStream, Ending::Deadline};

/// Every length of the stream, every ending: the naive verdict, and never another after a certain
/// one.
void check_every_length(const Input& input, const Plan& plan) {
    const NaiveRule rule(input);
    std::optional<Verdict> given;
    for (std::size_t length = 0; length <= input.stream.size(); ++length) {
        const std::string_view seen = std::string_view(input.stream).substr(0, length);
        for (const Ending ending : kEndings) {
            const auto verdict = decide(plan, as_bytes(seen), ending);
            require(verdict == rule.decide(seen, plan.window(), ending),
                    "the verdict is the rule's");
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
    if (size > kLongestInput) return 0;
    // Copied and not cast: the one way from libFuzzer's bytes to text that needs no cast.
    const Input input = parse(std::string(data, data + size));
    const Plan plan(config_of(input));
    check_every_length(input, plan);
    check_segments(input, plan);
    return 0;
}
