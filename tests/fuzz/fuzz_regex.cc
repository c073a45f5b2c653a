// Any expression and any stream against PCRE2 itself. An input is the expression, a newline, and
// the stream. Of every length of the stream: no answer but "more" is ever taken back; what is
// called a match fits, in PCRE2's plain opinion, however much of the stream follows; what is called
// no never does. That a look is bounded is what libFuzzer's -timeout=1 sees.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/regex.h"
#include "support/checks.h"
#include "support/whole_regex.h"

namespace {

using namespace portsplit::core;

constexpr std::size_t kLongestExpression = 200;
constexpr std::size_t kLongestStream = 64;

void check_answers(const Pattern& pattern, const naive::WholeRegex& whole,
                   std::string_view stream) {
    Answer said = Answer::More;
    for (std::size_t length = 0; length <= stream.size(); ++length) {
        const std::string_view seen = stream.substr(0, length);
        const Answer answer = pattern.answer(as_bytes(seen));
        require(said == Answer::More || answer == said, "an answer is never taken back");
        said = answer;
        if (answer == Answer::More || answer == Answer::GaveUp) continue;
        const auto fits = whole.matches(seen);
        require(!fits || *fits == (answer == Answer::Match), "what is said is so");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > kLongestExpression + 1 + kLongestStream) return 0;
    const PatternAndStream input = split(std::string(data, data + size));
    const naive::WholeRegex whole(input.pattern);
    const auto pattern = compile_regex(input.pattern);
    require(pattern.ok() == whole.compiles(), "what PCRE2 compiles is an expression");
    if (!pattern) {
        require(!pattern.error().text.empty(), "a problem is told");
        require(pattern.error().place <= input.pattern.size(), "a problem has a place in the text");
        return 0;
    }
    check_answers(**pattern, whole, input.stream);
    return 0;
}
