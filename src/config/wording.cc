#include "config/wording.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace portsplit::config {
namespace {

constexpr std::size_t kLongestShown = 60;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Returns how many characters to insert, delete, replace or swap with the next one, ignoring upper and
/// lower case: the optimal string alignment distance.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);  // the row above `above`
    std::vector<std::size_t> above(b.size() + 1);
    std::iota(above.begin(), above.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::vector<std::size_t> row(b.size() + 1, i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool is_same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (is_same ? 0 : 1)});
            const bool is_swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                                    lower(a[i - 2]) == lower(b[j - 1]);
            if (is_swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = std::exchange(above, std::move(row));
    }
    return above[b.size()];
}

}  // namespace

std::string shown(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const std::string next =
            byte >= 0x20 && byte < 0x7f ? std::string(1, c) : fmt::format("\\{:02X}", byte);
        if (out.size() + next.size() > kLongestShown) return out + "...";
        out += next;
    }
    return out;
}

std::string as_written(std::string_view key, const Value& value) {
    const char* quote = value.kind == Kind::String && !value.is_line ? "\"" : "";
    return fmt::format("{0} = {2}{1}{2}", shown(key), shown(value.text), quote);
}

std::string condition(std::string_view layout, std::string_view field, std::string_view value,
                      Spelling spelling) {
    return spelling == Spelling::Classic
               ? fmt::format("{}.{} = {}", layout, field, value)
               : fmt::format("{} : {{ {} = \"{}\"; }}", layout, field, value);
}

std::string whole_layout(std::string_view name, Spelling spelling) {
    const char* quote = spelling == Spelling::Classic ? "" : "\"";
    return fmt::format("layout = {1}{0}{1}", name, quote);
}

std::string layout_header(std::string_view name, Spelling spelling) {
    return spelling == Spelling::Classic ? fmt::format("[layout {}]", name)
                                         : fmt::format("layouts : {{ {} : {{ ... }}; }};", name);
}

std::string quoted(std::string_view text, const Section& section) {
    const char* quote = section.spelling == Spelling::Libconfig ? "\"" : "";
    return fmt::format("{1}{0}{1}", text, quote);
}

std::string pointed_at(std::string_view text, std::size_t place) {
    constexpr std::size_t kAround = 36;
    const std::size_t begin = place > kAround ? place - kAround : 0;
    std::string line(text.substr(begin, 2 * kAround));
    for (char& c : line) {
        if (c < ' ' || c > '~') c = '.';
    }
    return fmt::format("    {}\n    {:>{}}\n", line, '^', place - begin + 1);
}

std::string alternatives(const std::vector<std::string_view>& words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
        out += words[i];
    }
    return out;
}

bool same_but_for_case(std::string_view a, std::string_view b) {
    return a != b && std::equal(a.begin(), a.end(), b.begin(), b.end(),
                                [](char one, char other) { return lower(one) == lower(other); });
}

std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates) {
    constexpr std::size_t kFarthest = 2;
    std::optional<std::string_view> best;
    std::size_t best_distance = kFarthest + 1;
    for (const std::string_view candidate : candidates) {
        // The distance is at least the difference in length, so a long word need not be compared.
        if (word.size() > candidate.size() + kFarthest) continue;
        const std::size_t d = distance(word, candidate);
        // At least half of a short word must be right.
        if (d < best_distance && 2 * d <= candidate.size()) {
            best = candidate;
            best_distance = d;
        }
    }
    return best;
}

}  // namespace portsplit::config
