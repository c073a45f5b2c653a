#include "core/hex.h"

#include <string>

namespace portsplit::core {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kDigits = "0123456789abcdef";
constexpr const char* kNoDigit = "not a hex digit; a byte is two of 0-9, a-f and ?";

/// Four bits: one value (mask 0xF), or any (mask 0x0).
struct Nibble {
    std::uint8_t mask;
    std::uint8_t value;
};

std::optional<Nibble> nibble(char character) {
    if (character == '?') return Nibble{0x0, 0x0};
    const char lower =
        character >= 'A' && character <= 'F' ? static_cast<char>(character - 'A' + 'a') : character;
    const std::size_t digit = kDigits.find(lower);
    if (digit == kDigits.npos) return std::nullopt;
    return Nibble{0xF, static_cast<std::uint8_t>(digit)};
}

/// Returns the set in its one normal form, so that `3?` and `30-3f` compare equal.
ByteSet set_of(Nibble high, Nibble low) {
    const auto mask = static_cast<std::uint8_t>(high.mask << 4 | low.mask);
    const auto value = static_cast<std::uint8_t>(high.value << 4 | low.value);
    const auto last = static_cast<std::uint8_t>(value | static_cast<std::uint8_t>(~mask));
    // With any high nibble and a fixed low one, the bytes are not a range: only then keep the mask.
    if (high.mask == 0 && low.mask != 0) return {value, last, mask, value};
    return {value, last, 0x00, 0x00};
}

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    Result<ByteSets, PatternProblem> read() {
        ByteSets sets;
        for (skip_blanks(); at_ < text_.size(); skip_blanks()) {
            const auto first = read_byte();
            if (!first) return problem();
            if (at_ == text_.size() || text_[at_] != '-') {
                sets.push_back(*first);
            } else if (const auto range = read_range(*first)) {
                sets.push_back(*range);
            } else {
                return problem();
            }
        }
        if (sets.empty()) return PatternProblem{"no byte; write two hex digits for each", 0};
        return sets;
    }

  private:
    void skip_blanks() {
        const std::size_t next = text_.find_first_not_of(kBlanks, at_);
        at_ = next == text_.npos ? text_.size() : next;
    }

    std::optional<ByteSet> read_byte() {
        const auto high = nibble(text_[at_]);
        if (!high) return fail(kNoDigit);
        if (text_.substr(at_, 2) == "0x" || text_.substr(at_, 2) == "0X") {
            return fail("0x, which is not written here; write 16 03 for 0x16 0x03");
        }
        ++at_;
        if (at_ == text_.size() || text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '-') {
            --at_;
            return fail("half a byte; write two digits, such as 0a or ?a");
        }
        const auto low = nibble(text_[at_]);
        if (!low) return fail(kNoDigit);
        ++at_;
        return set_of(*high, *low);
    }

    /// Reads the `-` and the last byte of a range.
    std::optional<ByteSet> read_range(const ByteSet& first) {
        const std::size_t dash = at_++;
        if (at_ == text_.size()) return fail_at(dash, "a range without an end, such as 00-04");
        const auto last = read_byte();
        if (!last) return std::nullopt;
        if (!first.is_single() || !last->is_single()) {
            return fail_at(dash, "a range between bytes with ?; write both ends in full");
        }
        if (first.low > last->low) return fail_at(dash, "a range that ends before it begins");
        return ByteSet{first.low, last->low, 0x00, 0x00};
    }

    std::optional<ByteSet> fail(const char* text) { return fail_at(at_, text); }
    std::optional<ByteSet> fail_at(std::size_t place, const char* text) {
        problem_ = {text, place};
        return std::nullopt;
    }
    PatternProblem problem() const { return problem_; }

    std::string_view text_;
    std::size_t at_ = 0;
    PatternProblem problem_;
};

}  // namespace

Result<ByteSets, PatternProblem> parse_hex(std::string_view text) { return Reader(text).read(); }

std::optional<std::uint8_t> escaped_byte(std::string_view text) {
    if (text.size() < 3 || text.front() != '\\') return std::nullopt;
    const auto high = nibble(text[1]);
    const auto low = nibble(text[2]);
    if (!high || !low) return std::nullopt;
    const ByteSet byte = set_of(*high, *low);
    if (!byte.is_single()) return std::nullopt;
    return byte.low;
}

}  // namespace portsplit::core
