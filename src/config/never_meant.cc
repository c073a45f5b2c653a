#include "config/never_meant.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "config/meant.h"
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

class Suspect {
  public:
    Suspect(const Key& key, const Value& value) : key_(key), value_(value) {}

    std::vector<Suspicion> suspicions() {
        if (value_.kind == Kind::Bare) look_for_habits();
        if (key_.takes.type == Type::Bytes) look_for_hex();
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

    /// What a value of this key is called.
    std::string_view noun() const {
        if (key_.takes.type == Type::Bytes || key_.takes.type == Type::Regex) return "pattern";
        return key_.takes.type == Type::Text ? "argument" : "value";
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
