// Compares any expression with PCRE2 without partial matching. An input is the expression, a
// newline, and the stream. For every length of the stream: answers other than more never change;
// after match every longer beginning matches, after no none does. libFuzzer's -timeout=1 finds
// unbounded searches.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/regex.h"
#include "support/beginnings.h"
#include "support/checks.h"
#include "support/whole_regex.h"

namespace {

using namespace portsplit::core;

constexpr std::size_t kLongestExpression = 200;
constexpr std::size_t kLongestStream = 64;

void check_answers(const Pattern& pattern, const Beginnings& beginnings,
                   const naive::WholeRegex& whole, std::string_view stream) {
    Answer said = Answer::More;
    for (std::size_t length = 0; length <= stream.size(); ++length) {
        const std::string_view seen = stream.substr(0, length);
        const Answer answer = pattern.answer(as_bytes(seen));
        require(said == Answer::More || answer == said, "a final answer never changes");
        said = answer;
        const auto known = naive::answer_of(beginnings, seen);
        require(!known || *known == answer, "the beginnings give the answer of the expression");
        if (answer == Answer::More || answer == Answer::GaveUp) continue;
        const auto fits = whole.matches(seen);
        require(!fits || *fits == (answer == Answer::Match), "a final answer agrees with PCRE2");
    }
}

}  // namespace

// fault: C11
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > kLongestExpression + 1 + kLongestStream) return 0;
    const PatternAndStream input = split(std::string(data, data + size));
    const naive::WholeRegex whole(input.pattern);
    Beginnings beginnings;
    const auto pattern = compile_regex(input.pattern, &beginnings);
    require(pattern.ok() == whole.compiles(),
            "an expression compiles if and only if PCRE2 compiles it");
    if (!pattern) {
        require(!pattern.error().text.empty(), "a problem has a text");
        require(pattern.error().place <= input.pattern.size(), "a problem has a place in the text");
        return 0;
    }
    note_accepted();
    check_answers(*pattern, beginnings, whole, input.stream);
    return 0;
}
