// Any expression and any stream against PCRE2 itself. An input is the expression, a newline, and
// the stream. Of every length of the stream: no answer but "more" is ever taken back; what is
// called a match fits, in PCRE2's plain opinion, however much of the stream follows; what is called
// no never does. That a look is bounded is what libFuzzer's -timeout=1 sees.

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/regex.h"
#include "support/checks.h"

namespace {

using namespace portsplit::core;

constexpr std::size_t kLongestExpression = 200;
constexpr std::size_t kLongestStream = 64;

/// PCRE2 without partial matching: whether a stream fits that ends here.
class Ended {
  public:
    explicit Ended(const std::string& expression)
        : code_(compile(expression), &pcre2_code_free),
          data_(pcre2_match_data_create(1, nullptr), &pcre2_match_data_free),
          context_(pcre2_match_context_create(nullptr), &pcre2_match_context_free) {
        pcre2_set_match_limit(context_.get(), kRegexMatchLimit);
    }

    bool compiles() const { return code_ != nullptr; }

    /// Nothing where PCRE2 does not know: it costs too much, or the stream is not UTF-8 as asked.
    std::optional<bool> fits(std::string_view stream) const {
        const int found = pcre2_match(code_.get(), address(stream), stream.size(), 0, 0,
                                      data_.get(), context_.get());
        if (found >= 0) return true;
        if (found == PCRE2_ERROR_NOMATCH) return false;
        return std::nullopt;
    }

  private:
    static PCRE2_SPTR address(std::string_view text) {
        return reinterpret_cast<PCRE2_SPTR>(text.empty() ? "" : text.data());
    }

    static pcre2_code* compile(const std::string& expression) {
        const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
            pcre2_compile_context_create(nullptr), &pcre2_compile_context_free);
        pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
        pcre2_set_bsr(context.get(), PCRE2_BSR_UNICODE);
        int error = 0;
        PCRE2_SIZE place = 0;
        // A line may begin behind a newline that nothing follows yet.
        return pcre2_compile(address(expression), expression.size(),
                             PCRE2_ANCHORED | PCRE2_ALT_CIRCUMFLEX, &error, &place, context.get());
    }

    std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> code_;
    std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data_;
    std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> context_;
};

void check_answers(const Pattern& pattern, const Ended& ended, std::string_view stream) {
    Answer said = Answer::More;
    for (std::size_t length = 0; length <= stream.size(); ++length) {
        const std::string_view seen = stream.substr(0, length);
        const Answer answer = pattern.answer(as_bytes(seen));
        require(said == Answer::More || answer == said, "an answer is never taken back");
        said = answer;
        if (answer == Answer::More || answer == Answer::GaveUp) continue;
        const auto fits = ended.fits(seen);
        require(!fits || *fits == (answer == Answer::Match), "what is said is so");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > kLongestExpression + 1 + kLongestStream) return 0;
    const PatternAndStream input = split(std::string(data, data + size));
    const Ended ended(input.pattern);
    const auto pattern = compile_regex(input.pattern);
    require(pattern.ok() == ended.compiles(), "what PCRE2 compiles is an expression");
    if (!pattern) {
        require(!pattern.error().text.empty(), "a problem is told");
        require(pattern.error().place <= input.pattern.size(), "a problem has a place in the text");
        return 0;
    }
    check_answers(**pattern, ended, input.stream);
    return 0;
}
