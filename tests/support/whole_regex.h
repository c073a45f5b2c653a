#pragma once
// PCRE2 without partial matching: whether a stream that ends here matches. The second opinion on
// core/regex.h for expressions that look ahead, which no textbook covers.

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/regex.h"

namespace portsplit::core::naive {

class WholeRegex {
  public:
    explicit WholeRegex(const std::string& expression)
        : code_(compile(expression), &pcre2_code_free),
          data_(pcre2_match_data_create(1, nullptr), &pcre2_match_data_free),
          limits_(pcre2_match_context_create(nullptr), &pcre2_match_context_free) {
        pcre2_set_match_limit(limits_.get(), kRegexMatchLimit);
    }

    bool compiles() const { return code_ != nullptr; }

    /// Returns nothing if PCRE2 has no result: the limit is reached, or the stream is not the UTF-8
    /// that the expression requires.
    std::optional<bool> matches(std::string_view stream) const {
        const int found = pcre2_match(code_.get(), address(stream), stream.size(), 0, 0,
                                      data_.get(), limits_.get());
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
        // PCRE2_NEVER_BACKSLASH_C: Portsplit refuses \C.
        // PCRE2_ALT_CIRCUMFLEX: a line begins after a newline even if nothing follows yet.
        return pcre2_compile(address(expression), expression.size(),
                             PCRE2_ANCHORED | PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C,
                             &error, &place, context.get());
    }

    std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> code_;
    std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data_;
    std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> limits_;
};

}  // namespace portsplit::core::naive
