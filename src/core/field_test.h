#pragma once
// What a service asks of a field: the notation of a value, such as `*.example.org` or `1-1024`, and whether
// a value of the stream fits it. core/field_index.h compares with many at once.

#include <string>
#include <string_view>

#include "core/layout.h"
#include "core/memory.h"
#include "core/pattern.h"
#include "core/result.h"

namespace portsplit::core {

struct FieldTest {
    enum class Kind {
        Present,    ///< `*`: any value
        Exact,      ///< `text`; of a number, its decimal digits
        Below,      ///< `*.x`: a name below `text`, at any depth
        AtOrBelow,  ///< `.x`: `text` or a name below it
        Prefix,     ///< `abc*`: begins with `text`
        Suffix,     ///< `*abc`: ends with `text`
        Range,      ///< `1-1024`: a number in `range`
        Regex,      ///< `~EXPR`: the expression `text` matches the whole value
    };
    Kind kind = Kind::Present;
    Text text{};  ///< of a name in small letters, without a final dot
    NumberRange range{};

    bool operator==(const FieldTest&) const = default;
};

/// Reads what a service asks of a field.
/// @returns the test, or what is wrong and at which byte of `text`
Result<FieldTest, PatternProblem> parse_field_test(std::string_view text,
                                                   const Layout::Field& field);

/// Returns why no value of a field can fit a test; empty if one can.
std::string why_never(const FieldTest& test, const Layout::Field& field);

/// Returns why no usual client sends a value that fits a test, by the rules for names of hosts; empty if one may.
std::string why_hardly_ever(const FieldTest& test, const Layout::Field& field);

}  // namespace portsplit::core
