#include "config/never_meant.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>

#include "config/escape.h"
#include "config/meant.h"
#include "config/prefix.h"
#include "config/spelling.h"
#include "config/wording.h"

namespace portsplit::config {
namespace {

bool has(const Meant& meant, Habit habit) {
    return std::find(meant.habits.begin(), meant.habits.end(), habit) != meant.habits.end();
}

/// Returns true if an expression may have comments of its own: option x (pcre2pattern(3)).
bool has_comments(std::string_view expression) {
    const std::size_t options = expression.find("(?");
    if (options == expression.npos) return false;
    const std::size_t end = expression.find_first_not_of("imnsxJU^-", options + 2);
    return expression.substr(options, end - options).find('x') != expression.npos;
}

struct Typographic {
    std::string_view utf8;
    std::string_view name;
    std::string_view meant;
    std::string_view ascii;
};
constexpr auto kTypography = std::to_array<Typographic>({
    {"\xE2\x80\x9C", "a typographic quote (U+201C)", "quote", "\""},
    {"\xE2\x80\x9D", "a typographic quote (U+201D)", "quote", "\""},
    {"\xE2\x80\x9E", "a typographic quote (U+201E)", "quote", "\""},
    {"\xE2\x80\x98", "a typographic quote (U+2018)", "quote", "'"},
    {"\xE2\x80\x99", "a typographic quote (U+2019)", "quote", "'"},
    {"\xE2\x80\x90", "a typographic hyphen (U+2010)", "hyphen", "-"},
    {"\xE2\x80\x91", "a typographic hyphen (U+2011)", "hyphen", "-"},
    {"\xE2\x80\x93", "a dash (U+2013)", "hyphen", "-"},
    {"\xE2\x80\x94", "a dash (U+2014)", "hyphen", "-"},
    {"\xE2\x88\x92", "a minus sign (U+2212)", "hyphen", "-"},
    {"\xC2\xA0", "a no-break space (U+00A0)", "blank", "a blank"},
    {"\xE2\x80\xAF", "a no-break space (U+202F)", "blank", "a blank"},
    {"\xE2\x80\x8B", "a blank without width (U+200B)", "blank", "nothing"},
});

/// Returns true if an expression begins with the byte of a handshake.
bool begins_as_hello(std::string_view expression) {
    return expression.substr(0, 12).find("\\x16") != expression.npos;
}

/// Returns true if an expression may be meant for a ClientHello: it begins as one, or with a search for what
/// follows, in which no header of HTTP and no path is named.
bool may_search_hello(std::string_view expression) {
    if (begins_as_hello(expression)) return true;
    if (expression.starts_with("(?")) {
        const std::size_t end = expression.find_first_not_of("imsxn", 2);
        if (end != expression.npos && expression[end] == ')') expression.remove_prefix(end + 1);
    }
    const bool is_search = std::ranges::any_of(
        std::to_array<std::string_view>({".*", ".+", ".{", "[\\s\\S]", "[\\S\\s]"}),
        [&](std::string_view it) { return expression.starts_with(it); });
    return is_search && expression.find("ost:") == expression.npos &&
           expression.find('/') == expression.npos;
}

/// Returns the size of what stands for a dot between labels at a place; 0 if nothing does.
/// @param is_loose  a dot that is not escaped counts
std::size_t dot_at(std::string_view expression, std::size_t at, bool is_loose) {
    const std::string_view rest = expression.substr(at);
    if (rest.starts_with("\\.")) return 2;
    if (rest.starts_with("[.]")) return 3;
    return is_loose && rest.starts_with('.') ? 1 : 0;
}

/// Returns true if the last label of a name may be that of a domain: two letters or more, and no digit.
bool ends_as_domain(std::string_view name) {
    const std::string_view last = name.substr(name.rfind('.') + 1);
    return last.size() >= 2 && last.find_first_of("0123456789-") == last.npos;
}

/// Returns the server's name for which an expression searches a ClientHello; empty if it does not.
std::string server_name_in(std::string_view expression) {
    constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
    if (!may_search_hello(expression)) return {};
    const bool is_loose = begins_as_hello(expression);
    // The last run of labels with dots between them, escaped or not.
    std::string name;
    for (std::size_t at = 0; at < expression.size();) {
        const std::size_t end =
            std::min(expression.find_first_not_of(kLetters, at), expression.size());
        std::string labels(expression.substr(at, end - at));
        bool has_dot = false;
        std::size_t next = end;
        while (!labels.empty() && dot_at(expression, next, is_loose) > 0) {
            const std::size_t begin = next + dot_at(expression, next, is_loose);
            const std::size_t stop =
                std::min(expression.find_first_not_of(kLetters, begin), expression.size());
            if (stop == begin) break;
            labels += "." + std::string(expression.substr(begin, stop - begin));
            has_dot = true;
            next = stop;
        }
        // Behind one of several bytes, the first label is not known.
        if (has_dot && at > 0 && expression[at - 1] == ']') labels.erase(0, labels.find('.') + 1);
        const bool is_below = (at >= 1 && expression[at - 1] == ']') ||
                              (at >= 2 && expression.substr(at - 2, 2) == "\\.");
        if (has_dot && ends_as_domain(labels)) name = (is_below ? "*." : "") + labels;
        // An escape is no part of a name.
        const std::string_view rest = expression.substr(std::min(next, expression.size()));
        const std::size_t skipped = rest.starts_with("\\x") ? 4 : rest.starts_with('\\') ? 2 : 1;
        at = std::max(next, at) + skipped;
    }
    return name;
}

class Suspect {
  public:
    Suspect(const Key& key, const Value& value) : key_(key), value_(value) {}

    std::vector<Suspicion> suspicions() {
        if (value_.kind == Kind::Bare || value_.is_line) look_for_habits();
        if (key_.takes.type == Type::Bytes) look_for_hex();
        if (key_.takes.type == Type::Regex) look_for_server_name();
        if (key_.takes.type == Type::Prefix) look_for_host_bits();
        if (key_.name == kProxyFrom) look_for_everybody();
        look_for_typography();
        return std::move(found_);
    }

  private:
    void look_for_habits() {
        const auto meant = without_habits(value_.text);
        if (!meant) return;
        if (key_.takes.type == Type::Regex && has_comments(value_.text)) return;
        // A semicolon alone may be one of a pattern; behind a quote it is none.
        const bool is_quoted = has(*meant, Habit::Quotes);
        const bool keeps_semicolon = has(*meant, Habit::Semicolon) && !is_quoted;
        const std::string text = written(meant->text + (keeps_semicolon ? ";" : ""));
        if (has(*meant, Habit::Comment)) {
            add("comment",
                fmt::format("\"{}\" is part of the {}: {}; write {}{}", shown(meant->comment),
                            noun(), rule_of(Habit::Comment), text, or_escape('#', "#")));
        }
        if (is_quoted) {
            add("quotes", fmt::format("the quotes are part of the {}; write {}{}", noun(), text,
                                      or_escape(meant->quote, "quote")));
        }
    }

    void look_for_hex() {
        const auto hex = hex_in(value_.text);
        if (!hex) return;
        const char* quote = value_.kind == Kind::String ? "\"" : "";
        add("hex-looking",
            fmt::format("a string is text, and this looks like bytes in hex; write hex = {1}{0}{1}",
                        *hex, quote));
    }

    /// Browsers shuffle what stands before the server's name in a ClientHello, and how long it is.
    void look_for_server_name() {
        const std::string name = server_name_in(value_.text);
        if (name.empty()) return;
        add("server-name", fmt::format("an expression does not find a server's name for sure, "
                                       "because clients shuffle what "
                                       "is before it; write {}",
                                       condition("tls", "sni", name, spelling_of(value_))));
    }

    void look_for_host_bits() {
        const auto meant = prefix_without_rest(value_.text);
        if (!meant) return;
        add("host-bits",
            fmt::format("it has bits behind the prefix, which do not count; write {}", *meant));
    }

    void look_for_everybody() {
        const auto prefix = read_prefix(value_.text);
        if (!prefix || prefix->kind != core::Prefix::Kind::Internet || prefix->length != 0) return;
        add("proxy-from-all", "then every client may say who it is; name the balancers");
    }

    /// A text that was copied from a web page or a letter may have what a word processor makes of quotes,
    /// dashes and blanks.
    void look_for_typography() {
        const std::string_view text = value_.text;
        const auto first = std::ranges::min_element(
            kTypography, {}, [&](const Typographic& it) { return text.find(it.utf8); });
        const std::size_t at = text.find(first->utf8);
        if (at == text.npos) return;
        add("typographic",
            fmt::format("byte {} begins {}, which is not the {} of a keyboard; write {}{}", at + 1,
                        first->name, first->meant, first->ascii, or_escape(first->utf8)));
    }

    /// What a value of this key is called.
    std::string_view noun() const {
        if (key_.takes.type == Type::Bytes || key_.takes.type == Type::Regex) return "pattern";
        return key_.takes.type == Type::Text ? "argument" : "value";
    }

    /// Returns `, or \E2\80\9C if it is meant`; nothing for keys without escapes.
    std::string or_escape(std::string_view bytes) const {
        if (key_.takes.type == Type::Bytes)
            return fmt::format(", or {} if it is meant", escape(bytes));
        if (key_.takes.type != Type::Regex) return {};
        std::string escapes;
        for (const char byte : bytes) {
            escapes += fmt::format("\\x{:02X}", static_cast<unsigned char>(byte));
        }
        return fmt::format(", or {} if it is meant", escapes);
    }

    /// Returns `, or \22 for a quote that is meant`; nothing for keys without escapes.
    std::string or_escape(char c, std::string_view name) const {
        const bool is_regex = key_.takes.type == Type::Regex;
        if (key_.takes.type != Type::Bytes && !is_regex) return {};
        return fmt::format(", or \\{}{:02X} for a {} that is meant", is_regex ? "x" : "",
                           static_cast<unsigned char>(c), name);
    }

    /// Returns the line for a value; the blanks at its ends, which a line drops, as escapes.
    std::string written(std::string text) const {
        const std::string_view blank = key_.takes.type == Type::Bytes   ? "\\20"
                                       : key_.takes.type == Type::Regex ? "\\x20"
                                                                        : "";
        if (!blank.empty() && text.ends_with(' ')) text.replace(text.size() - 1, 1, blank);
        if (!blank.empty() && text.starts_with(' ')) text.replace(0, 1, blank);
        if (value_.is_line) return shown(text);
        return fmt::format("{} ={}{}", key_.name, text.empty() ? "" : " ", shown(text));
    }

    void add(std::string_view name, std::string text) {
        found_.push_back(
            {name, fmt::format("{}: {}", as_written(key_.name, value_), std::move(text))});
    }

    const Key& key_;
    const Value& value_;
    std::vector<Suspicion> found_;
};

}  // namespace

std::vector<Suspicion> suspicions_of(const Key& key, const Value& value) {
    return Suspect(key, value).suspicions();
}

}  // namespace portsplit::config
