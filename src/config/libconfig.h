#pragma once
// The libconfig spelling, text to tree and model to text: the keys of the classic spelling, with
// services as groups inside `services`. Read with libconfig, whose limits libconfig_scan.h lists. What
// keys mean is in section.h.

#include <optional>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

/// Reads text that `clean` has returned. Opens no file.
/// @returns nothing, after an error, if libconfig cannot parse the text
std::optional<Document> read_libconfig(std::string_view text, FileIssues issues);

/// Writes a valid configuration, without the keys that have their defaults. This spelling can express
/// every one.
std::string write_libconfig(const core::Config& config);

}  // namespace portsplit::config
