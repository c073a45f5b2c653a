#include "core/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

namespace portsplit::core {
namespace {

struct Free {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
using Code = std::unique_ptr<pcre2_code, Free>;
using CompileContext = std::unique_ptr<pcre2_compile_context, Free>;
using MatchContext = std::unique_ptr<pcre2_match_context, Free>;
using MatchData = std::unique_ptr<pcre2_match_data, Free>;

/// PCRE2 fails to allocate a few hundred bytes only where nothing else can go on either.
template <typename Owner>
Owner expect(Owner owner) {
    if (owner == nullptr) std::abort();
    return owner;
}

std::string message_of(int error) {
    std::array<PCRE2_UCHAR, 256> text{};
    pcre2_get_error_message(error, text.data(), text.size());
    return {text.begin(), std::find(text.begin(), text.end(), PCRE2_UCHAR{0})};
}

/// The expression with a lookbehind that is always true. PCRE2 calls a stream that ends within
/// (?s).{9} no match at all, for it has not looked at a byte yet, unless there is a lookbehind
/// (pcre2partial(3)). Options such as (*UTF) stay in front.
std::string with_lookbehind(std::string text) {
    constexpr std::string_view kOption = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789=";
    std::size_t place = 0;
    while (text.compare(place, 2, "(*") == 0) {
        const std::size_t end = text.find_first_not_of(kOption, place + 2);
        if (end == text.npos || text[end] != ')') break;
        place = end + 1;
    }
    return text.insert(place, "(?<=|x)");
}

Result<Code, PatternProblem> compile_code(const std::string& text, std::uint32_t more_options) {
    // Start-up optimizations look at the whole subject, and so at bytes a match never reached. The
    // usual ^ of (?m) is false behind a newline that is the last byte, but true once more follows.
    constexpr std::uint32_t kOptions =
        PCRE2_ANCHORED | PCRE2_NO_START_OPTIMIZE | PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C;
    const auto context = expect(CompileContext(pcre2_compile_context_create(nullptr)));
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
    pcre2_set_bsr(context.get(), PCRE2_BSR_UNICODE);
    int error = 0;
    PCRE2_SIZE place = 0;
    Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                            kOptions | more_options, &error, &place, context.get()));
    if (code == nullptr) return PatternProblem{message_of(error), place};
    return code;
}

std::uint32_t info(const Code& code, std::uint32_t what) {
    std::uint32_t value = 0;
    pcre2_pattern_info(code.get(), what, &value);
    return value;
}

/// Whether a `+` follows another quantifier, with whatever (?x) and comments allow between them.
bool may_be_possessive(std::string_view item) {
    const std::size_t end_of_atom = item.starts_with('[')    ? item.find(']', 2)
                                    : item.starts_with('\\') ? 1
                                                             : 0;
    const std::size_t quantifier = item.find_first_of("?*+}", end_of_atom + 1);
    return quantifier != item.npos && item.find('+', quantifier + 1) != item.npos;
}

/// `(?1)`, `(?-1)`, `(?R)`, `(?&name)`, `\g<name>`: a group once more.
bool is_recursion(std::string_view item) {
    if (item.starts_with("(?") && item.find_first_of("0123456789") <= 3) return true;
    return item.starts_with("(?R") || item.starts_with("(?&") || item.starts_with("(?P>") ||
           item.starts_with("\\g");
}

/// Whether one item of an expression may depend on bytes behind what it takes, or is more than the
/// simulation below can do. Doubtful ones do: that makes an answer later, never wrong.
bool looks_ahead(std::string_view item) {
    if (may_be_possessive(item) || is_recursion(item)) return true;
    for (const std::string_view start : {"$", "\\z", "\\Z", "\\b", "\\B", "[[:>:]]", "\\R", "\\X",
                                         "(*", "(?=", "(?!", "(?>", "(?("}) {
        if (item.starts_with(start)) return true;
    }
    return item == "(?";  // how PCRE2 shows a condition that is an assertion
}

/// PCRE2 itself cuts an expression into items, to call back before each.
bool looks_ahead_anywhere(const std::string& text) {
    struct Search {
        std::string_view text;
        bool found = false;
    } search{text};
    const auto code = compile_code(text, PCRE2_AUTO_CALLOUT);
    if (!code) return true;  // too large with call-outs, but not without
    // Whether a CR ends a line then depends on the byte behind it, and so does what `.` is.
    if (info(*code, PCRE2_INFO_NEWLINE) == PCRE2_NEWLINE_CRLF) return true;
    if (info(*code, PCRE2_INFO_BACKREFMAX) > 0) return true;
    // What a simulation does not go beyond.
    if (text.find("(*NOTEMPTY") != text.npos) return true;
    pcre2_callout_enumerate(
        code->get(),
        [](pcre2_callout_enumerate_block* block, void* data) {
            auto& it = *static_cast<Search*>(data);
            it.found |=
                looks_ahead(it.text.substr(block->pattern_position, block->next_item_length));
            return 0;
        },
        &search);
    return search.found;
}

/// How long the UTF-8 character is that begins here (Unicode, table 3-7): 0 if none can, and more
/// than there are bytes when its rest may still come.
std::size_t character_length(Bytes bytes) {
    const auto at = [&](std::size_t place) { return to_number(bytes[place]); };
    const std::uint8_t lead = at(0);
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4) return 0;
    const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < std::min(length, bytes.size()); ++i) {
        if (at(i) < low || at(i) > high) return 0;
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

/// What PCRE2 gets to see, and whether more of it may come.
struct Subject {
    Bytes bytes;
    bool has_ended = false;
};

/// The whole characters of UTF-8 at the beginning. What is no UTF-8 ends them.
Subject whole_characters(Bytes seen) {
    std::size_t end = 0;
    while (end < seen.size()) {
        const std::size_t length = character_length(seen.subspan(end));
        if (length == 0) return {seen.first(end), true};
        if (length > seen.size() - end) break;
        end += length;
    }
    return {seen.first(end)};
}

/// Room for 83 ways to match at the same time; each costs time at every byte.
constexpr std::size_t kWorkspace = 500;

class Regex final : public Pattern {
  public:
    Regex(Code code, bool looks_ahead, bool has_line_end, bool is_utf)
        : code_(std::move(code)),
          limits_(expect(MatchContext(pcre2_match_context_create(nullptr)))),
          looks_ahead_(looks_ahead),
          has_line_end_(has_line_end),
          is_utf_(is_utf) {
        pcre2_set_match_limit(limits_.get(), kRegexMatchLimit);
        pcre2_set_heap_limit(limits_.get(), kRegexHeapLimit);
    }

    Answer answer(Bytes seen) const override {
        const Subject subject = is_utf_ ? whole_characters(seen) : Subject{seen};
        int found = looks_ahead_ ? PCRE2_ERROR_DFA_UITEM : simulate(subject);
        if (!is_outcome_of_simulation(found)) found = search(subject);
        if (found >= 0) return Answer::Match;
        if (found == PCRE2_ERROR_PARTIAL) return Answer::More;
        return found == PCRE2_ERROR_NOMATCH ? Answer::No : Answer::GaveUp;
    }

    /// PCRE2 finds that out in the same study as its start-up optimizations.
    std::size_t shortest_match() const override { return 0; }

  private:
    /// All ways to match at the same time, byte by byte, up to the first byte at which one has. So
    /// the outcome is that of the first bytes, whatever follows, and it backtracks nowhere.
    int simulate(const Subject& subject) const {
        std::array<int, kWorkspace> workspace;
        const auto data = expect(MatchData(pcre2_match_data_create(1, nullptr)));
        return pcre2_dfa_match(code_.get(), address(subject), subject.bytes.size(), 0,
                               PCRE2_DFA_SHORTEST | options(subject, PCRE2_PARTIAL_SOFT),
                               data.get(), limits_.get(), workspace.data(), workspace.size());
    }

    /// One way after the other, up to the first that matches or reaches the last byte.
    int search(const Subject& subject) const {
        const auto data = expect(MatchData(pcre2_match_data_create(1, nullptr)));
        const int found =
            pcre2_match(code_.get(), address(subject), subject.bytes.size(), 0,
                        options(subject, PCRE2_PARTIAL_HARD), data.get(), limits_.get());
        // A repeat of \R takes a last CR without telling that it would take an LF behind it too.
        const bool reached_last =
            found >= 0 && pcre2_get_ovector_pointer(data.get())[1] == subject.bytes.size();
        const bool within_line_end = has_line_end_ && reached_last && !subject.has_ended &&
                                     !subject.bytes.empty() &&
                                     subject.bytes.back() == std::byte{'\r'};
        return within_line_end ? PCRE2_ERROR_PARTIAL : found;
    }

    /// Others are too many ways at the same time, and an item that it cannot do.
    static bool is_outcome_of_simulation(int found) {
        return found >= 0 || found == PCRE2_ERROR_PARTIAL || found == PCRE2_ERROR_NOMATCH;
    }

    /// What is no UTF-8 ends the subject, but is no end of a line.
    static std::uint32_t options(const Subject& subject, std::uint32_t partial) {
        return PCRE2_NO_UTF_CHECK | (subject.has_ended ? PCRE2_NOTEOL : partial);
    }

    /// An empty span may have no address, which PCRE2 would refuse.
    static PCRE2_SPTR address(const Subject& subject) {
        if (subject.bytes.empty()) return reinterpret_cast<PCRE2_SPTR>("");
        return reinterpret_cast<PCRE2_SPTR>(subject.bytes.data());
    }

    Code code_;
    MatchContext limits_;
    bool looks_ahead_;
    bool has_line_end_;  ///< perhaps: it has the letters
    bool is_utf_;
};

}  // namespace

Result<std::unique_ptr<const Pattern>, PatternProblem> compile_regex(const std::string& text) {
    // As it was written first, for what is wrong with it and where.
    const auto as_written = compile_code(text, 0);
    if (!as_written) return as_written.error();
    const bool is_utf = (info(*as_written, PCRE2_INFO_ALLOPTIONS) & PCRE2_UTF) != 0;
    const std::string expression = with_lookbehind(text);
    auto code = compile_code(expression, 0);
    if (!code) return code.error();
    std::unique_ptr<const Pattern> regex =
        std::make_unique<const Regex>(*std::move(code), looks_ahead_anywhere(expression),
                                      expression.find("\\R") != expression.npos, is_utf);
    return regex;
}

}  // namespace portsplit::core
