#include "core/name_expression.h"

#include <cstddef>

namespace portsplit::core {
namespace {

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || is_capital(c);
}

/// Returns the place behind a `[...]` that begins at `at`.
std::size_t end_of_set(std::string_view expression, std::size_t at) {
    at += expression.substr(at + 1).starts_with('^') ? std::size_t{2} : std::size_t{1};
    // A ] at the beginning is one of the bytes.
    for (std::size_t i = at; i < expression.size(); ++i) {
        if (expression[i] == '\\') {
            ++i;
        } else if (expression[i] == ']' && i > at) {
            return i + 1;
        }
    }
    return expression.size();
}

/// What an expression requires outside of groups.
struct Required {
    bool is_known = false;  ///< false: it has parts that are not understood here
    char capital = '\0';
    bool dot_first = false;
    bool dot_last = false;
};

Required required_by(std::string_view expression) {
    constexpr std::string_view kPlainEscapes = "dDwWsSbBAzZ";
    Required found;
    std::size_t depth = 0;
    if (expression.starts_with('^')) expression.remove_prefix(1);
    if (expression.ends_with('$') && !expression.ends_with("\\$")) expression.remove_suffix(1);
    for (std::size_t i = 0; i < expression.size();) {
        const std::string_view rest = expression.substr(i);
        std::size_t end = i + 1;
        if (rest.front() == '\\') {
            if (rest.size() == 1) return {};
            if (is_alphanumeric(rest[1]) && kPlainEscapes.find(rest[1]) == kPlainEscapes.npos)
                return {};
            end = i + 2;
        } else if (rest.front() == '[') {
            end = end_of_set(expression, i);
        } else if (rest.front() == '(') {
            if (rest.starts_with("(*") || (rest.starts_with("(?") && !rest.starts_with("(?:")))
                return {};
            ++depth;
        } else if (rest.front() == ')' && depth > 0) {
            --depth;
        } else if (rest.front() == '|' && depth == 0) {
            return {};
        }
        const bool may_be_absent =
            end < expression.size() &&
            (expression[end] == '?' || expression[end] == '*' || expression[end] == '{');
        if (depth == 0 && !may_be_absent) {
            if (is_capital(rest.front()) && found.capital == '\0') found.capital = rest.front();
            if (rest.starts_with("\\.")) {
                found.dot_first |= i == 0;
                found.dot_last |= end == expression.size();
            }
        }
        i = end;
    }
    found.is_known = true;
    return found;
}

}  // namespace

std::string why_no_name_fits(std::string_view expression) {
    const Required required = required_by(expression);
    if (!required.is_known) return {};
    if (required.capital != '\0') {
        return std::string("a name is compared in small letters, and the expression has ") +
               required.capital + "; write small letters";
    }
    if (required.dot_last) {
        return "an expression must match the whole name, and a name has no dot at its end here; "
               "write .* behind the dot";
    }
    if (required.dot_first) {
        return "an expression must match the whole name, and no name begins with a dot; write .* "
               "before the dot";
    }
    return {};
}

}  // namespace portsplit::core
