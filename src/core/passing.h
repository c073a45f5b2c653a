#pragma once
// Passing on: fields of a stream in the one form in which they go to the log and to a program. The bytes are a
// client's, so the form has no byte that a log line or a shell could take for something else.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/field_values.h"
#include "core/model.h"
#include "core/passed_fields.h"
#include "core/plan.h"
#include "core/proxy_header.h"
#include "core/verdict.h"

namespace portsplit::core {

/// The most characters of a field that is passed on.
inline constexpr std::size_t kLongestPassed = 255;
/// The most characters of all fields of a log line.
inline constexpr std::size_t kLongestLogged = 2048;

/// Returns values as one text: `A-Z a-z 0-9 . _ ~ : / @ + -` as they are, every other byte as `\XX`, members of
/// a list with `,` between them. At most kLongestPassed characters: no escape is cut in two.
std::string passed_text(const FieldValues& values);

/// Returns true if `passed_text` may have made a text.
bool is_passed_text(std::string_view text);

/// Returns the names of the variables that carry fields to the program of a service, in their order.
std::vector<std::string> variables_for_fields(const Service& service);

/// Returns the types of the additional values that carry fields to the target of a service, in their order.
std::vector<std::uint8_t> tlvs_for_fields(const Service& service);

/// Returns true if a text is ` LAYOUT.FIELD=VALUE` once or several times, as `decide_and_pass` makes it, with fields
/// that the log has for the service.
bool is_logged_text(std::string_view text, const Config& config, const Service* service);

/// What of a connection is passed on.
struct Passed {
    /// A variable for a program; without a value if the field had not come: then the program has none.
    struct Variable {
        std::string name;
        std::optional<std::string> value;
    };
    std::string log;  ///< ` tls.sni=a.example tls.alpn=h2`; empty: nothing
    std::vector<Variable> variables;
    std::vector<ProxyTlv>
        tlvs{};  ///< fields for a target, as they came; those that had not come are left out
};

/// A verdict, and the fields that had come when it fell.
struct Decided {
    Verdict verdict;
    Passed passed;
};

/// As `decide` in core/verdict.h.
std::optional<Decided> decide_and_pass(const Plan& plan, Bytes seen, Ending ending,
                                       Plan::Reading& reading);

}  // namespace portsplit::core
