// How it works. A decision needs exact answers: match at the first byte after which no continuation
// can undo it, no at the first byte after which nothing can match, and more only between. PCRE2 can
// give them, with help:
//
// - Two engines. An expression that cannot look ahead is run by pcre2_dfa_match(3), which follows
//   all ways to match at once, byte by byte. With PCRE2_DFA_SHORTEST it stops at the first that
//   completes, and PCRE2_ERROR_PARTIAL means that some are left. It never backtracks, but it has no
//   back-references and no verbs, and it needs workspace for each way (`kWorkspace`).
// - Every other expression, and one with too many ways for the workspace, is run by pcre2_match(3)
//   with PCRE2_PARTIAL_HARD. It returns PCRE2_ERROR_PARTIAL as soon as it inspects a byte after the
//   last one seen. A result that it reaches before that does not depend on later bytes.
// - Which engine? PCRE2 does not report whether an expression looks ahead. Compiled once more with
//   PCRE2_AUTO_CALLOUT it lists the items of the expression (pcre2_callout_enumerate in
//   pcre2api(3)), and core/regex_items.cc classifies each. In doubt it returns true: that delays an
//   answer, but is not wrong.
// - A lookbehind. For a stream that ends within (?s).{9}, PCRE2 returns no match instead of a
//   partial one, unless the expression contains a lookbehind (pcre2partial(3)). Each expression
//   gets one that is always true.
// - No start-up optimizations. They inspect the whole subject, for example for its length or a
//   letter that must occur, and would answer from bytes that the match does not reach.
// - `\R` and a last CR. A repeat of `\R` takes CR at the end of the subject as a whole line end,
//   though LF may follow and belong to it. `search` turns such a match into more.
// - UTF-8 by hand. The stream may end within a character, or stop being UTF-8, for which PCRE2 has
//   PCRE2_MATCH_INVALID_UTF; but pcre2_dfa_match refuses that (PCRE2_ERROR_DFA_UINVALID_UTF). So
//   PCRE2 gets the whole characters only (core/utf8.h), and PCRE2_NO_UTF_CHECK.
// - Limits. `kRegexMatchLimit` and `kRegexHeapLimit` bound one search. It reaches them before it
//   inspects a byte after the last, so it would reach them for every continuation: giving up is
//   final.
// - No JIT. It needs memory that is writable and executable, which MemoryDenyWriteExecute= in our
//   systemd units forbids, and would save 0.2 us of the 200 us that a connection costs.
//
// No other file of core includes PCRE2.
#include "core/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "core/memory.h"
#include "core/regex_items.h"
#include "core/utf8.h"

namespace portsplit::core {
namespace {

using Code = Regex::Code;
struct Free {
    void operator()(pcre2_general_context* context) const { pcre2_general_context_free(context); }
    void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
using GeneralContext = std::unique_ptr<pcre2_general_context, Free>;
using CompileContext = std::unique_ptr<pcre2_compile_context, Free>;
using MatchContext = std::unique_ptr<pcre2_match_context, Free>;
using MatchData = std::unique_ptr<pcre2_match_data, Free>;

/// @throws std::bad_alloc if PCRE2 could not allocate
template <typename Owner>
Owner expect(Owner owner) {
    if (owner == nullptr) throw std::bad_alloc();
    return owner;
}

std::string message_of(int error) {
    std::array<PCRE2_UCHAR, 256> text{};
    pcre2_get_error_message(error, text.data(), text.size());
    return {text.begin(), std::find(text.begin(), text.end(), PCRE2_UCHAR{0})};
}

/// Returns the expression with a lookbehind that is always true, after options such as (*UTF),
/// which must stay in front.
std::string with_lookbehind(std::string_view written) {
    std::string text(written);
    constexpr std::string_view kOption = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789=";
    std::size_t place = 0;
    while (text.compare(place, 2, "(*") == 0) {
        const std::size_t end = text.find_first_not_of(kOption, place + 2);
        if (end == text.npos || text[end] != ')') break;
        place = end + 1;
    }
    return text.insert(place, "(?<=|x)");
}

/// What stands before each block of PCRE2's memory: PCRE2 does not say at its end where it came from.
struct alignas(std::max_align_t) BlockHead {
    std::pmr::memory_resource* from;
    std::size_t size;
};

void* take_block(std::size_t size, void* from) {
    auto* memory = static_cast<std::pmr::memory_resource*>(from);
    const std::size_t whole = size + sizeof(BlockHead);
    auto* head = static_cast<BlockHead*>(memory->allocate(whole, alignof(BlockHead)));
    *head = {memory, whole};
    return head + 1;
}

void return_block(void* block, void* /*from*/) {
    if (block == nullptr) return;
    auto* head = static_cast<BlockHead*>(block) - 1;
    head->from->deallocate(head, head->size, alignof(BlockHead));
}

/// Returns a context with which a code takes its memory from the MemoryScope.
CompileContext context_of_scope() {
    const auto memory = expect(GeneralContext(
        pcre2_general_context_create(take_block, return_block, std::pmr::get_default_resource())));
    return expect(CompileContext(pcre2_compile_context_create(memory.get())));
}

/// What an expression is compiled for.
enum class For { Matching, Checking, Items, FirstBytes, WholeValues };

/// @throws std::bad_alloc if PCRE2 could not allocate, which is no problem of the pattern
Result<Code, PatternProblem> compile_code(std::string_view text, For purpose) {
    // PCRE2_ALT_CIRCUMFLEX: without it, the ^ of (?m) is false after a newline that is the last
    // byte, and true once a byte follows. PCRE2_NEVER_BACKSLASH_C: \C would split a character of
    // UTF-8.
    std::uint32_t options = PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C;
    // PCRE2 looks for the first byte with its start-up optimizations only, and only if a match may
    // begin anywhere.
    if (purpose != For::FirstBytes) options |= PCRE2_ANCHORED | PCRE2_NO_START_OPTIMIZE;
    if (purpose == For::Items) options |= PCRE2_AUTO_CALLOUT;
    if (purpose == For::WholeValues) options |= PCRE2_ENDANCHORED;
    const auto context = purpose == For::Matching || purpose == For::WholeValues
                             ? context_of_scope()
                             : expect(CompileContext(pcre2_compile_context_create(nullptr)));
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
    pcre2_set_bsr(context.get(), PCRE2_BSR_UNICODE);
    int error = 0;
    PCRE2_SIZE place = 0;
    Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), options, &error,
                            &place, context.get()));
    if (code == nullptr && error == PCRE2_ERROR_HEAP_FAILED) throw std::bad_alloc();
    if (code == nullptr) return PatternProblem{message_of(error), place};
    return code;
}

std::uint32_t info(const Code& code, std::uint32_t what) {
    std::uint32_t value = 0;
    pcre2_pattern_info(code.get(), what, &value);
    return value;
}

/// Returns the items of an expression.
/// @param code  compiled from the text for its items
RegexItems items_of(std::string_view text, const Code& code) {
    struct List {
        std::string_view text;
        RegexItems items;
    } list{text, RegexItems(text)};
    pcre2_callout_enumerate(
        code.get(),
        [](pcre2_callout_enumerate_block* block, void* data) {
            auto& it = *static_cast<List*>(data);
            it.items.add(it.text.substr(block->pattern_position, block->next_item_length));
            return 0;
        },
        &list);
    return list.items;
}

/// Returns true if an item of the expression looks ahead, or an option requires `search`.
bool needs_search(std::string_view text, const Code& code, const std::optional<RegexItems>& items) {
    // With CRLF as the newline, the byte after a CR decides whether `.` matches the CR.
    if (info(code, PCRE2_INFO_NEWLINE) == PCRE2_NEWLINE_CRLF) return true;
    if (info(code, PCRE2_INFO_BACKREFMAX) > 0) return true;
    // With (*NOTEMPTY) pcre2_dfa_match(3) does not look for a longer match than the empty one.
    if (text.find("(*NOTEMPTY") != text.npos) return true;
    return !items || items->look_ahead();
}

/// In more ranges than these the first bytes of an expression are not kept: it is asked about each
/// stream.
constexpr std::size_t kMostRanges = 8;

/// Returns the first bytes that PCRE2 finds possible, as one-byte sequences; none if it finds no
/// limit. For an expression that is simulated, in bytes.
Beginnings first_bytes(std::string_view text) {
    // A lookbehind may make a match impossible that begins with such a byte.
    if (text.find("(?<") != text.npos) return {};
    const auto code = compile_code(text, For::FirstBytes);
    if (!code) return {};
    if (info(*code, PCRE2_INFO_FIRSTCODETYPE) == 1) {
        const auto byte = static_cast<std::uint8_t>(info(*code, PCRE2_INFO_FIRSTCODEUNIT));
        // PCRE2 does not report whether it ignores the case, so both are taken.
        const bool is_letter = std::isalpha(byte) != 0;
        return {{is_letter ? ByteSet{.mask = 0xDF, .value = static_cast<std::uint8_t>(byte & 0xDF)}
                           : ByteSet::only(byte)}};
    }
    const std::uint8_t* bitmap = nullptr;
    pcre2_pattern_info(code->get(), PCRE2_INFO_FIRSTBITMAP, &bitmap);
    if (bitmap == nullptr) return {};
    Beginnings ranges;
    for (unsigned byte = 0; byte < 256; ++byte) {
        if ((bitmap[byte / 8] >> (byte % 8) & 1) == 0) continue;
        const auto end = static_cast<std::uint8_t>(byte);
        if (!ranges.empty() && ranges.back()[0].high + 1 == end) {
            ranges.back()[0].high = end;
        } else {
            ranges.push_back({{.low = end, .high = end}});
        }
    }
    return ranges.size() > kMostRanges ? Beginnings() : ranges;
}

/// The workspace of pcre2_dfa_match(3) in `int`s: enough for 83 ways to match at once. Each way
/// costs time at every byte, so with more of them it returns PCRE2_ERROR_DFA_WSSIZE and `search`
/// takes over.
constexpr std::size_t kWorkspace = 500;

/// What PCRE2 needs for one match.
class MatchMemory {
  public:
    MatchMemory() {
        pcre2_set_match_limit(limits(), kRegexMatchLimit);
        pcre2_set_heap_limit(limits(), kRegexHeapLimit);
    }

    pcre2_match_data* data() const { return data_.get(); }
    pcre2_match_context* limits() const { return limits_.get(); }

  private:
    /// PCRE2 takes three blocks, 200 to 300 bytes together. A long search takes more, from the heap.
    StackMemory<512> memory_;
    GeneralContext context_ =
        expect(GeneralContext(pcre2_general_context_create(take_block, return_block, &memory_)));
    MatchData data_ = expect(MatchData(pcre2_match_data_create(1, context_.get())));
    MatchContext limits_ = expect(MatchContext(pcre2_match_context_create(context_.get())));
};

/// Returns false if the workspace was too small or an item is not supported: search instead.
bool is_outcome_of_simulation(int found) {
    return found >= 0 || found == PCRE2_ERROR_PARTIAL || found == PCRE2_ERROR_NOMATCH;
}

/// Where the text stops being UTF-8 no match may go on, so matching is not partial. It is not the end
/// of the stream either, so `$` is false there.
std::uint32_t options(const Utf8Beginning& subject, std::uint32_t partial) {
    return PCRE2_NO_UTF_CHECK | (subject.has_ended ? PCRE2_NOTEOL : partial);
}

/// PCRE2 refuses a null pointer, which an empty span may have.
PCRE2_SPTR address(const Utf8Beginning& subject) {
    if (subject.characters.empty()) return reinterpret_cast<PCRE2_SPTR>("");
    return reinterpret_cast<PCRE2_SPTR>(subject.characters.data());
}

}  // namespace

void Regex::Free::operator()(pcre2_code* code) const { pcre2_code_free(code); }

Answer Regex::answer(Bytes seen) const {
    const Utf8Beginning subject = is_utf_ ? whole_characters(seen) : Utf8Beginning{seen};
    int found = needs_search_ ? PCRE2_ERROR_DFA_UITEM : simulate(subject);
    if (!is_outcome_of_simulation(found)) found = search(subject);
    if (found >= 0) return Answer::Match;
    if (found == PCRE2_ERROR_PARTIAL) return Answer::More;
    return found == PCRE2_ERROR_NOMATCH ? Answer::No : Answer::GaveUp;
}

/// Follows all ways to match at once, up to the first byte at which one is complete.
int Regex::simulate(const Utf8Beginning& subject) const {
    std::array<int, kWorkspace> workspace;
    const MatchMemory memory;
    return pcre2_dfa_match(code_.get(), address(subject), subject.characters.size(), 0,
                           PCRE2_DFA_SHORTEST | options(subject, PCRE2_PARTIAL_SOFT), memory.data(),
                           memory.limits(), workspace.data(), workspace.size());
}

/// Tries one way after the other, up to the first that matches or inspects a byte after the last.
int Regex::search(const Utf8Beginning& subject) const {
    const MatchMemory memory;
    const int found =
        pcre2_match(code_.get(), address(subject), subject.characters.size(), 0,
                    options(subject, PCRE2_PARTIAL_HARD), memory.data(), memory.limits());
    // A repeat of \R took the last CR; it would take an LF after it too.
    const bool reached_last =
        found >= 0 && pcre2_get_ovector_pointer(memory.data())[1] == subject.characters.size();
    const bool within_line_end = has_line_end_ && reached_last && !subject.has_ended &&
                                 !subject.characters.empty() &&
                                 subject.characters.back() == std::byte{'\r'};
    return within_line_end ? PCRE2_ERROR_PARTIAL : found;
}

Result<WholeRegex, PatternProblem> WholeRegex::compile(std::string_view text) {
    auto code = compile_code(text, For::WholeValues);
    if (!code) return code.error();
    return WholeRegex(*std::move(code));
}

Answer WholeRegex::answer(std::string_view value) const {
    const MatchMemory memory;
    const int found = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(value.data()),
                                  value.size(), 0, 0, memory.data(), memory.limits());
    if (found >= 0) return Answer::Match;
    return found == PCRE2_ERROR_NOMATCH ? Answer::No : Answer::GaveUp;
}

Result<Regex, PatternProblem> compile_regex(std::string_view text, Beginnings* beginnings) {
    // The text without the lookbehind first, so that a problem has its place in the text.
    const auto as_written = compile_code(text, For::Checking);
    if (!as_written) return as_written.error();
    // With callouts it may exceed PCRE2's limit on size; then its items are not known.
    const std::string smaller = with_small_repeats(text);
    const auto with_callouts = compile_code(smaller, For::Items);
    std::optional<RegexItems> items;
    if (with_callouts) items = items_of(smaller, *with_callouts);
    const bool is_utf = (info(*as_written, PCRE2_INFO_ALLOPTIONS) & PCRE2_UTF) != 0;
    const std::string expression = with_lookbehind(text);
    auto code = compile_code(expression, For::Matching);
    if (!code) return code.error();
    const bool search = needs_search(text, *as_written, items);
    // Items do not tell what \Q quotes. Options and verbs may change what is asked of which text.
    const bool is_plain = text.find("\\Q") == text.npos && text.find("(*") == text.npos;
    if (beginnings != nullptr && items && is_plain) {
        const ByteSets prefix = items->prefix();
        if (!prefix.empty()) {
            *beginnings = {prefix};
        } else if (!search) {
            *beginnings = first_bytes(text);
        }
    }
    return Regex(*std::move(code), search, expression.find("\\R") != expression.npos, is_utf);
}

}  // namespace portsplit::core
