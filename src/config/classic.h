#pragma once
// The classic spelling: `key = value` lines, then `[service]` sections; `#` begins a comment as the
// first character of a line. Knows lines, not what keys mean.

#include <string>
#include <string_view>

#include "config/document.h"
#include "config/issue.h"
#include "core/model.h"
#include "core/result.h"

namespace portsplit::config {

/// Reads cleaned text. What is no line of this spelling becomes an issue, and reading goes on.
Document read_classic(std::string_view text, FileIssues issues);

/// A value that the classic spelling has no way to say.
struct Unsayable {
    std::string service;  ///< empty for a global key
    std::string key;
    std::string why;
};

/// `service web: execarg: a line end, which ...`.
std::string to_string(const Unsayable& unsayable);

/// Writes a valid configuration. Defaults are left out, and comments are not part of the model. The
/// classic spelling has lines, and so no line end in an argument and no blank at its ends.
core::Result<std::string, Unsayable> write_classic(const core::Config& config);

}  // namespace portsplit::config
