#pragma once
// What libconfig 1.5 hides from whoever calls it, found in the text before libconfig sees it.

#include <optional>
#include <string>
#include <string_view>

#include "config/issue.h"

namespace portsplit::config {

/// Scans cleaned text as libconfig's own scanner does. Issues: `@include`, with which libconfig
/// would open files itself; a NUL escape in a string, which silently ends it; a comment or string
/// that is never closed, which silently takes the rest of the file or fails far from where it
/// began.
/// @returns the text to hand to libconfig, lines unchanged: every integer carries an `L`, because
///          libconfig silently cuts one without it to 32 bits, and NUL escapes are other escapes,
///          so that the rest can be judged. Nothing if libconfig must not see the text.
std::optional<std::string> prepare_for_libconfig(std::string_view text, FileIssues issues);

}  // namespace portsplit::config
