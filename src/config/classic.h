#pragma once
// The classic spelling, text to tree and model to text: `key = value` lines, then `[service]`
// sections; `#` begins a comment as the first character of a line. What keys mean is in section.h.

#include <string>
#include <string_view>

#include "config/document.h"
#include "config/issue.h"
#include "core/model.h"
#include "core/result.h"

namespace portsplit::config {

/// What the sections of a text are.
enum class Sections {
    Services,  ///< and layouts: `[layout NAME]`
    Named,     ///< anything with a name; all of them are in `Document::services`
};

/// Reads text that `clean` has returned. A line that is not in this spelling is an error; reading goes
/// on with the next line.
Document read_classic(std::string_view text, FileIssues issues,
                      Sections sections = Sections::Services);

/// A value that the classic spelling cannot express.
struct Inexpressible {
    std::string service;  ///< empty for a global key
    std::string key;
    std::string why;
};

/// `service web: execarg: a line end, which ...`.
std::string to_string(const Inexpressible& inexpressible);

/// Writes a valid configuration, without the keys that have their defaults. A value is the rest of a
/// line, so it cannot have a line end in it or, but for `string`, a blank at its ends.
core::Result<std::string, Inexpressible> write_classic(const core::Config& config);

}  // namespace portsplit::config
