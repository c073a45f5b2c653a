#include "core/field_test.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "core/hex.h"
#include "core/name_expression.h"
#include "core/names.h"
#include "core/regex.h"

namespace portsplit::core {
namespace {

using Kind = FieldTest::Kind;

std::optional<std::uint32_t> decimal(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

/// Returns the number that `0x` and hex digits stand for.
std::optional<std::uint32_t> hexadecimal(std::string_view text) {
    if (!text.starts_with("0x") && !text.starts_with("0X")) return std::nullopt;
    std::uint32_t number = 0;
    const auto [end, error] =
        std::from_chars(text.data() + 2, text.data() + text.size(), number, 16);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

class Reader {
  public:
    Reader(std::string_view text, const Layout::Field& field) : text_(text), field_(field) {}

    Result<FieldTest, PatternProblem> read() {
        if (text_.empty()) return PatternProblem{"empty; write a value, or * for any", 0};
        if (text_ == "*") return FieldTest{Kind::Present};
        if (text_.front() == '~') return read_expression();
        if (field_.number) return read_number();
        return read_text();
    }

  private:
    Result<FieldTest, PatternProblem> read_expression() const {
        const std::string_view expression = text_.substr(1);
        const auto compiled = WholeRegex::compile(expression);
        if (!compiled) return PatternProblem{compiled.error().text, compiled.error().place + 1};
        return FieldTest{Kind::Regex, Text(expression)};
    }

    Result<FieldTest, PatternProblem> read_number() const {
        const std::size_t dash = std::min(text_.find('-'), text_.size());
        const auto least = decimal(text_.substr(0, dash));
        const auto most = dash == text_.size() ? least : decimal(text_.substr(dash + 1));
        if (!least || !most) return no_number();
        if (*most < *least) return PatternProblem{"a range that ends before it begins", 0};
        if (*least == *most) return FieldTest{Kind::Exact, Text(std::to_string(*least))};
        return FieldTest{Kind::Range, {}, {*least, *most}};
    }

    PatternProblem no_number() const {
        if (const auto meant = hexadecimal(text_)) {
            return {"this field is a number in decimal; write " + std::to_string(*meant), 0};
        }
        return {
            "this field is a number; write one such as 443, or a range such as 1-1024; "
            "portsplit-patterns(7) has what the numbers of the library's layouts mean",
            0};
    }

    Result<FieldTest, PatternProblem> read_text() const {
        std::string_view rest = text_;
        Kind kind = Kind::Exact;
        if (field_.is_name && rest.starts_with("*.")) {
            kind = Kind::Below;
            rest.remove_prefix(2);
        } else if (field_.is_name && rest.starts_with('.')) {
            kind = Kind::AtOrBelow;
            rest.remove_prefix(1);
        } else if (rest.starts_with('*')) {
            kind = Kind::Suffix;
            rest.remove_prefix(1);
        } else if (rest.ends_with('*')) {
            kind = Kind::Prefix;
            rest.remove_suffix(1);
        }
        const auto first = static_cast<std::size_t>(rest.data() - text_.data());
        if (const std::size_t star = rest.find('*'); star != rest.npos) {
            return PatternProblem{
                "a * in the middle; write it at one end, ~EXPR for an expression, or \\2A for a *",
                first + star};
        }
        auto bytes = unescaped(rest, first);
        if (!bytes) return bytes.error();
        if (bytes->empty()) return PatternProblem{"no name behind the dot", first};
        if (field_.is_name) {
            // The beginning of a name keeps a dot at its end.
            *bytes = kind != Kind::Prefix ? folded_name(*bytes) : folded_name(*bytes + '.');
        }
        return FieldTest{kind, Text(*bytes)};
    }

    static Result<std::string, PatternProblem> unescaped(std::string_view text, std::size_t first) {
        std::string bytes;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] != '\\') {
                bytes += text[i];
                continue;
            }
            const auto byte = escaped_byte(text.substr(i));
            if (!byte) {
                return PatternProblem{"a \\ without two hex digits; write \\5C for a backslash",
                                      first + i};
            }
            bytes += static_cast<char>(*byte);
            i += 2;
        }
        return bytes;
    }

    std::string_view text_;
    const Layout::Field& field_;
};

/// Returns true if a field may have this byte. A name is compared in small letters.
bool may_have(const Layout::Field& field, char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    const bool is_letter = c >= 'a' && c <= 'z';
    return field.bytes.test(byte) || (field.is_name && is_letter && field.bytes.test(byte & 0xDFU));
}

/// Returns the bytes of a class as ranges: `A-Z _`.
std::string shown(const ByteClass& bytes) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto append = [&](std::string& text, std::size_t byte) {
        const bool is_plain = byte > ' ' && byte < 0x7F && byte != '\\';
        if (is_plain) {
            text += static_cast<char>(byte);
        } else {
            text.append("\\") += kDigits[byte >> 4];
            text += kDigits[byte & 0xF];
        }
    };
    std::string text;
    for (std::size_t first = 0; first < bytes.size(); ++first) {
        if (!bytes.test(first)) continue;
        std::size_t last = first;
        while (last + 1 < bytes.size() && bytes.test(last + 1)) ++last;
        if (!text.empty()) text += ' ';
        append(text, first);
        if (last > first) append(text += '-', last);
        first = last;
    }
    return text;
}

/// The same as `why_never` for a field that is a number.
std::string why_never_number(const FieldTest& test, NumberType type) {
    const std::uint32_t least =
        test.kind == Kind::Exact ? decimal(test.text).value_or(0) : test.range.least;
    if (least <= largest_of(type)) return {};
    return "a value of this field is at most " + std::to_string(largest_of(type));
}

}  // namespace

Result<FieldTest, PatternProblem> parse_field_test(std::string_view text,
                                                   const Layout::Field& field) {
    return Reader(text, field).read();
}

std::string why_never(const FieldTest& test, const Layout::Field& field) {
    if (test.kind == Kind::Regex || test.kind == Kind::Present) return {};
    if (field.number) return why_never_number(test, *field.number);
    const auto wrong = std::ranges::find_if(test.text, [&](char c) { return !may_have(field, c); });
    if (wrong != test.text.end()) {
        return "a value of this field has no " +
               (*wrong == ' '                   ? "blank"
                : *wrong > ' ' && *wrong < 0x7F ? std::string(1, *wrong)
                                                : std::string("such byte")) +
               "; its bytes are " + shown(field.bytes);
    }
    const std::size_t least = test.text.size() + (test.kind == Kind::Below ? 2 : 0);
    // A joined value is longer than each of its parts, and a name may have a dot at its end.
    const bool is_bounded = field.form != FieldForm::Joined && field.size.most != UINT32_MAX;
    if (is_bounded && least > field.size.most) {
        return "a value of this field has at most " + std::to_string(field.size.most) + " bytes";
    }
    if (test.kind == Kind::Exact && !field.is_name && field.form != FieldForm::Joined &&
        test.text.size() < field.size.least) {
        return "a value of this field has at least " + std::to_string(field.size.least) + " bytes";
    }
    return {};
}

std::string why_hardly_ever(const FieldTest& test, const Layout::Field& field) {
    if (field.is_name && test.kind == Kind::Regex) return why_no_name_fits(test.text);
    const bool is_whole =
        test.kind == Kind::Exact || test.kind == Kind::Below || test.kind == Kind::AtOrBelow;
    return field.is_name && is_whole ? why_no_host_name(test.text) : "";
}

}  // namespace portsplit::core
