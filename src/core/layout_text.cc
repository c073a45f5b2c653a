#include "core/layout_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/hex.h"

namespace portsplit::core {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexOrAny = "0123456789ABCDEFabcdef?";
constexpr std::string_view kNameBytes =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
constexpr std::string_view kSmall = "abcdefghijklmnopqrstuvwxyz";

/// How many groups and braces may stand in each other in one rule.
constexpr int kDeepest = 32;
/// The most bytes that a layout can speak of: the largest window.
constexpr std::uint32_t kLargestSize = 65536;

struct TypeRow {
    std::string_view name;
    NumberType type;
    NumberRange size;
    std::uint32_t largest;
};
constexpr auto kTypes = std::to_array<TypeRow>({
    {"u8", NumberType::U8, {1, 1}, 0xFF},
    {"u16", NumberType::U16, {2, 2}, 0xFFFF},
    {"u24", NumberType::U24, {3, 3}, 0xFFFFFF},
    {"u32", NumberType::U32, {4, 4}, UINT32_MAX},
    {"le16", NumberType::Le16, {2, 2}, 0xFFFF},
    {"le32", NumberType::Le32, {4, 4}, UINT32_MAX},
    {"varint", NumberType::Varint, {1, 5}, UINT32_MAX},
    {"ber", NumberType::Ber, {1, 5}, UINT32_MAX},
});

const TypeRow& row_of(NumberType type) { return kTypes[static_cast<std::size_t>(type)]; }

std::optional<NumberType> type_named(std::string_view name) {
    const auto row = std::ranges::find(kTypes, name, &TypeRow::name);
    if (row == kTypes.end()) return std::nullopt;
    return row->type;
}

/// Returns how many characters of a byte stand at the front of a text: 2, or 0. A byte is followed by no
/// further character of a name, except for the `-` of a range.
std::size_t byte_at(std::string_view text) {
    const bool is_byte = text.size() >= 2 && kHexOrAny.find(text[0]) != kHexOrAny.npos &&
                         kHexOrAny.find(text[1]) != kHexOrAny.npos;
    if (!is_byte) return 0;
    const bool goes_on =
        text.size() > 2 && text[2] != '-' && kNameBytes.find(text[2]) != kNameBytes.npos;
    return goes_on ? 0 : 2;
}

/// Returns how many characters of a byte or a range of bytes stand at the front of a text; 0 if none do.
std::size_t bytes_at(std::string_view text) {
    if (byte_at(text) == 0) return 0;
    if (text.size() < 3 || text[2] != '-') return 2;
    return byte_at(text.substr(3)) == 2 && (text.size() < 6 || text[5] != '-') ? 5 : 0;
}

/// Returns a letter in both cases, any other byte alone.
ByteSet in_any_case(std::uint8_t byte) {
    const auto upper = static_cast<std::uint8_t>(byte & 0xDF);
    if (upper < 'A' || upper > 'Z') return ByteSet::only(byte);
    return {.mask = 0xDF, .value = upper};
}

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    Result<LayoutChoice, PatternProblem> read() {
        LayoutChoice choice = read_choice();
        if (!problem_ && at_ < text_.size()) fail(closing_advice());
        if (problem_) return *problem_;
        return choice;
    }

  private:
    const char* closing_advice() const {
        return text_[at_] == ')' ? "a ) without a (" : "a } without a {";
    }

    LayoutChoice read_choice() {
        LayoutChoice choice;
        do {
            choice.push_back(read_sequence());
        } while (!problem_ && take('|'));
        return choice;
    }

    /// Reads items up to a `|`, a closing sign or the end.
    LayoutSequence read_sequence() {
        LayoutSequence items;
        const std::size_t begin = at_;
        while (!problem_) {
            skip_blanks();
            if (at_ == text_.size() ||
                std::string_view("|)}").find(text_[at_]) != std::string_view::npos) {
                break;
            }
            LayoutItem item = read_atom();
            if (problem_) break;
            item.repeat = read_repeat();
            items.push_back(std::move(item));
        }
        if (items.empty() && !problem_)
            fail_at(begin, "nothing here; write what lies there, such as 16 or ..");
        return items;
    }

    LayoutItem read_atom() {
        LayoutItem item;
        item.place = at_;
        const char first = text_[at_];
        if (first == '\'') {
            item.bytes = read_text();
        } else if (first == '{') {
            read_braces(item);
        } else if (first == '(') {
            item.kind = LayoutItem::Kind::Group;
            ++at_;
            item.choice = read_inside(item.place, ')', "a ( without its )");
        } else if (first == '<') {
            read_field(item);
        } else if (text_.substr(at_, 2) == "..") {
            item.kind = LayoutItem::Kind::Field;
            at_ += 2;
            read_extent(item.field);
        } else if (const std::size_t size = bytes_at(text_.substr(at_)); size > 0) {
            read_byte(item, size);
        } else {
            read_word(item);
        }
        return item;
    }

    void read_byte(LayoutItem& item, std::size_t size) {
        const auto sets = parse_hex(text_.substr(at_, size));
        if (!sets) return fail_at(at_ + sets.error().place, sets.error().text);
        item.bytes = *sets;
        at_ += size;
    }

    /// Reads `u16-4(9-100)` or the name of a rule.
    void read_word(LayoutItem& item) {
        const std::size_t begin = at_;
        const std::size_t end = std::min(text_.find_first_not_of(kNameBytes, at_), text_.size());
        const std::string_view word = text_.substr(at_, end - at_);
        if (word.empty() && at_ < text_.size() && (text_[at_] == '#' || text_[at_] == ';')) {
            return fail("a comment; a comment has a line of its own");
        }
        if (word.empty()) {
            return fail(
                "not the beginning of anything; write a byte such as 16, a 'text', a number such "
                "as "
                "u16, { }, < >, .., ( ) or the name of a rule");
        }
        if (type_named(word.substr(0, word.find('-')))) {
            item.kind = LayoutItem::Kind::Number;
            item.number = read_number();
            return;
        }
        if (word.front() >= '0' && word.front() <= '9')
            return fail_at(begin, "not a byte; a byte is two hex digits, such as 16");
        if (const std::string why = why_no_layout_name(word); !why.empty())
            return fail_at(begin, why);
        item.kind = LayoutItem::Kind::Rule;
        item.rule = word;
        at_ = end;
    }

    /// Reads `TYPE[-N][(N-N)]`; the caller has seen the type.
    LayoutNumber read_number() {
        LayoutNumber number;
        const std::size_t begin = at_;
        const std::size_t end = std::min(text_.find_first_not_of(kNameBytes, at_), text_.size());
        const std::string_view word = text_.substr(at_, end - at_);
        const std::size_t minus = std::min(word.find('-'), word.size());
        const auto type = type_named(word.substr(0, minus));
        if (!type) {
            fail_at(
                begin,
                "no type of number; the types are u8, u16, u24, u32, le16, le32, varint and ber");
            return number;
        }
        number.type = *type;
        number.range.most = largest_of(*type);
        at_ += minus;
        if (minus < word.size()) {
            ++at_;
            number.less = read_decimal("no number after the -, such as u16-4", number.range.most);
        }
        if (!problem_ && at_ < text_.size() && text_[at_] == '(') {
            const std::size_t open = at_++;
            number.range = read_range(number.range.most);
            if (!problem_ && !take(')'))
                fail_at(open, "a ( without its ); write a range such as (1-255)");
        }
        if (!problem_ && number.range.most < number.less) {
            fail_at(begin, "less than nothing is left of it; write a smaller number after the -");
        }
        return number;
    }

    /// Reads `N` or `N-M`.
    NumberRange read_range(std::uint32_t largest) {
        NumberRange range;
        const std::size_t begin = at_;
        range.least = read_decimal("no number here; write a range such as 1-255", largest);
        range.most = range.least;
        if (problem_ || at_ == text_.size() || text_[at_] != '-') return range;
        ++at_;
        range.most = read_decimal("no number after the -, such as 1-255", largest);
        if (!problem_ && range.most < range.least)
            fail_at(begin, "a range that ends before it begins");
        return range;
    }

    std::uint32_t read_decimal(const char* missing, std::uint32_t largest) {
        const std::size_t begin = at_;
        const std::size_t end = std::min(text_.find_first_not_of(kDigits, at_), text_.size());
        std::uint32_t number = 0;
        const auto [stop, error] =
            std::from_chars(text_.data() + begin, text_.data() + end, number);
        at_ = end;
        if (end == begin) {
            fail_at(begin, missing);
        } else if (error != std::errc() || number > largest) {
            fail_at(begin, "a number that is too large here; at most " + std::to_string(largest));
        }
        return number;
    }

    void read_braces(LayoutItem& item) {
        item.kind = LayoutItem::Kind::Braces;
        ++at_;
        skip_blanks();
        item.number = read_number();
        if (problem_) return;
        if (take('}')) return;
        item.choice = read_inside(item.place, '}', "a { without its }");
    }

    LayoutChoice read_inside(std::size_t open, char close, const char* unclosed) {
        if (++depth_ > kDeepest) {
            fail("too deep; write a rule of its own for it");
            return {};
        }
        LayoutChoice choice = read_choice();
        --depth_;
        if (!problem_ && !take(close)) fail_at(open, unclosed);
        return choice;
    }

    ByteSets read_text() {
        const std::size_t open = at_++;
        std::string bytes;
        while (at_ < text_.size() && text_[at_] != '\'' && !problem_) bytes += read_character();
        if (problem_) return {};
        if (at_ == text_.size()) {
            fail_at(open, "a ' without its end");
            return {};
        }
        ++at_;
        const bool any_case = at_ < text_.size() && text_[at_] == 'i';
        if (any_case) ++at_;
        if (bytes.empty()) fail_at(open, "an empty text; delete it");
        ByteSets sets;
        for (const char c : bytes) {
            const auto byte = static_cast<std::uint8_t>(c);
            sets.push_back(any_case ? in_any_case(byte) : ByteSet::only(byte));
        }
        return sets;
    }

    /// Reads one character of a text or a class: itself, or `\XX`.
    char read_character() {
        if (text_[at_] != '\\') return text_[at_++];
        const auto byte = escaped_byte(text_.substr(at_));
        if (!byte) {
            fail("a \\ without two hex digits; write \\5C for a backslash and \\27 for a '");
            return 0;
        }
        at_ += 3;
        return static_cast<char>(*byte);
    }

    void read_field(LayoutItem& item) {
        const std::size_t open = at_++;
        if (take('>')) {
            item.kind = LayoutItem::Kind::Joined;
            return;
        }
        item.kind = LayoutItem::Kind::Field;
        const std::size_t begin = at_;
        item.field.name = read_while(kNameBytes);
        if (const std::string why = why_no_layout_name(item.field.name); !why.empty())
            return fail_at(begin, why);
        read_form(item.field);
        skip_blanks();
        if (!problem_) read_kind(item.field);
        skip_blanks();
        if (!problem_) read_extent(item.field);
        if (!problem_ && !take('>')) {
            fail_at(
                open,
                "a < without its >; a field is <NAME>, then name or a type, [SET], and N or N-M");
        }
        if (!problem_ && item.field.number && (item.field.bytes || item.field.size)) {
            fail_at(begin, "a number has neither a set nor a size; delete them");
        }
    }

    /// Reads `*` or `+'.'`.
    void read_form(LayoutField& field) {
        if (at_ == text_.size()) return;
        if (text_[at_] == '*') {
            field.form = FieldForm::List;
            ++at_;
        } else if (text_[at_] == '+') {
            field.form = FieldForm::Joined;
            ++at_;
            if (at_ == text_.size() || text_[at_] != '\'') {
                return fail(
                    "no text after the +; write what stands between two parts, such as <x+'.'>");
            }
            for (const ByteSet& set : read_text()) field.separator += static_cast<char>(set.low);
        }
    }

    /// Reads `name` or the type of a number.
    void read_kind(LayoutField& field) {
        const std::size_t begin = at_;
        const std::string word(read_while("abcdefghijklmnopqrstuvwxyz0123456789"));
        if (word.empty() || kDigits.find(word.front()) != kDigits.npos) {
            at_ = begin;
            return;
        }
        field.is_name = word == "name";
        field.number = type_named(word);
        if (!field.is_name && !field.number) {
            fail_at(begin,
                    "not what a field is; write name for a host name, or a type such as u16");
        }
    }

    /// Reads `[SET]`, then N or N-M; either may be missing.
    void read_extent(LayoutField& field) {
        if (at_ < text_.size() && text_[at_] == '[') field.bytes = read_class();
        if (problem_) return;
        if (text_.substr(at_, 1) == " " && !field.name.empty()) skip_blanks();
        if (at_ < text_.size() && kDigits.find(text_[at_]) != kDigits.npos)
            field.size = read_range(kLargestSize);
    }

    /// Reads `[A-Za-z]` or `[^\0D\0A]`.
    ByteClass read_class() {
        const std::size_t open = at_++;
        const bool is_negated = take_here('^');
        ByteClass bytes;
        while (at_ < text_.size() && text_[at_] != ']' && !problem_) {
            const auto low = static_cast<std::uint8_t>(read_character());
            auto high = low;
            const bool is_range =
                at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']';
            if (is_range && !problem_) {
                const std::size_t dash = at_++;
                high = static_cast<std::uint8_t>(read_character());
                if (high < low) fail_at(dash, "a range that ends before it begins");
            }
            for (unsigned byte = low; byte <= high; ++byte) bytes.set(byte);
        }
        if (problem_) return bytes;
        if (at_ == text_.size()) {
            fail_at(open, "a [ without its ]");
            return bytes;
        }
        ++at_;
        if (is_negated) bytes.flip();
        if (bytes.none()) fail_at(open, "a set without a byte");
        return bytes;
    }

    Repeat read_repeat() {
        if (at_ == text_.size()) return Repeat::Once;
        Repeat repeat = Repeat::Once;
        if (text_[at_] == '?') repeat = Repeat::Optional;
        if (text_[at_] == '*') repeat = Repeat::Any;
        if (text_[at_] == '+') repeat = Repeat::Some;
        if (repeat != Repeat::Once) ++at_;
        return repeat;
    }

    std::string_view read_while(std::string_view characters) {
        const std::size_t begin = at_;
        at_ = std::min(text_.find_first_not_of(characters, at_), text_.size());
        return text_.substr(begin, at_ - begin);
    }

    void skip_blanks() { read_while(kBlanks); }

    bool take_here(char sign) {
        if (at_ == text_.size() || text_[at_] != sign) return false;
        ++at_;
        return true;
    }
    bool take(char sign) {
        skip_blanks();
        return take_here(sign);
    }

    void fail(std::string text) { fail_at(at_, std::move(text)); }
    void fail_at(std::size_t place, std::string text) {
        if (!problem_) problem_ = {std::move(text), place};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_ = 0;
    std::optional<PatternProblem> problem_;
};

}  // namespace

Result<LayoutChoice, PatternProblem> parse_layout_rule(std::string_view text) {
    return Reader(text).read();
}

std::string why_no_layout_name(std::string_view name) {
    constexpr std::size_t kLongest = 64;
    if (name.empty()) return "no name; write one such as host";
    if (bytes_at(name) == name.size()) return "reads as a byte; choose another name";
    if (type_named(name.substr(0, name.find('-')))) return "reads as a number; choose another name";
    const bool fits =
        name.size() <= kLongest && kSmall.find(name.front()) != kSmall.npos &&
        name.find_first_not_of(std::string(kSmall) + std::string(kDigits) + "-") == name.npos;
    if (fits) return {};
    return "no name; a name is small letters, digits and -, and begins with a letter";
}

std::string_view to_string(NumberType type) { return row_of(type).name; }
NumberRange size_of(NumberType type) { return row_of(type).size; }
std::uint32_t largest_of(NumberType type) { return row_of(type).largest; }

}  // namespace portsplit::core
