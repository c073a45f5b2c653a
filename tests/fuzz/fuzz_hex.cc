// Compares the reader of the hex notation with a second one, which tries all 256 values of a byte
// against the two digits written. An input is a pattern, a newline, and a stream to match.

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hex.h"
#include "core/pattern.h"
#include "support/checks.h"

namespace {

using namespace portsplit::core;

using Values = std::bitset<256>;

constexpr std::size_t kLongestInput = 4096;

bool is_digit(char written) {
    return std::string_view("0123456789abcdefABCDEF?").find(written) != std::string_view::npos;
}

bool is_blank(char written) { return written == ' ' || written == '\t'; }

/// Returns true if a written digit allows this digit of a value.
bool stands_for(char written, unsigned digit) {
    const char lower = "0123456789abcdef"[digit];
    const char upper = "0123456789ABCDEF"[digit];
    return written == '?' || written == lower || written == upper;
}

Values values_of(std::string_view byte) {
    Values values;
    for (unsigned value = 0; value < values.size(); ++value) {
        values[value] = stands_for(byte[0], value >> 4) && stands_for(byte[1], value & 0xF);
    }
    return values;
}

/// Removes one written byte from the front of a text and returns it.
std::optional<std::string_view> take_byte(std::string_view& text) {
    if (text.size() < 2 || !is_digit(text[0]) || !is_digit(text[1])) return std::nullopt;
    const std::string_view byte = text.substr(0, 2);
    text.remove_prefix(2);
    return byte;
}

std::optional<Values> take_range(std::string_view first, std::string_view& text) {
    const auto last = take_byte(text);
    if (!last) return std::nullopt;
    if (first.find('?') != first.npos || last->find('?') != last->npos) return std::nullopt;
    Values values;
    bool is_between = false;
    for (unsigned value = 0; value < values.size(); ++value) {
        is_between |= values_of(first)[value];
        values[value] = is_between;
        if (values_of(*last)[value]) {
            if (!is_between) return std::nullopt;
            return values;
        }
    }
    return std::nullopt;
}

/// Returns nothing if the text is not in the notation.
std::optional<std::vector<Values>> read(std::string_view text) {
    std::vector<Values> all;
    for (;;) {
        while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
        if (text.empty()) break;
        const auto byte = take_byte(text);
        if (!byte) return std::nullopt;
        if (!text.starts_with('-')) {
            all.push_back(values_of(*byte));
            continue;
        }
        text.remove_prefix(1);
        const auto range = take_range(*byte, text);
        if (!range) return std::nullopt;
        all.push_back(*range);
    }
    if (all.empty()) return std::nullopt;
    return all;
}

Answer naive_answer(const std::vector<Values>& all, std::string_view seen) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i == seen.size()) return Answer::More;
        if (!all[i][static_cast<std::uint8_t>(seen[i])]) return Answer::No;
    }
    return Answer::Match;
}

void check_sets(const ByteSets& sets, const std::vector<Values>& all) {
    require(sets.size() == all.size(), "there is a set for each byte");
    for (std::size_t i = 0; i < sets.size(); ++i) {
        for (unsigned value = 0; value < 256; ++value) {
            require(sets[i].holds(static_cast<std::uint8_t>(value)) == all[i][value],
                    "a set holds exactly the bytes written");
        }
    }
}

void check_answers(const std::string& text, const std::vector<Values>& all,
                   std::string_view stream) {
    const auto pattern = *compile({PatternKind::Hex, Text(text)});
    require(pattern->shortest_match() == all.size(), "a match needs a byte for each set");
    const std::size_t longest = std::min(stream.size(), all.size() + 1);
    for (std::size_t length = 0; length <= longest; ++length) {
        const std::string_view seen = stream.substr(0, length);
        require(pattern->answer(as_bytes(seen)) == naive_answer(all, seen),
                "the answer agrees with the sets");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > kLongestInput) return 0;
    const PatternAndStream input = split(std::string(data, data + size));
    const auto sets = parse_hex(input.pattern);
    const auto expected = read(input.pattern);
    require(sets.ok() == expected.has_value(),
            "a text is read if and only if it is in the notation");
    if (!sets) {
        require(!sets.error().text.empty(), "a problem has a text");
        require(sets.error().place <= input.pattern.size(), "a problem has a place in the text");
        return 0;
    }
    note_accepted();
    check_sets(*sets, *expected);
    check_answers(input.pattern, *expected, input.stream);
    return 0;
}
