#pragma once
// The libconfig spelling, read with libconfig itself: the same keys as the classic one, services as
// groups inside `services`. Knows the tree, not what keys mean.

#include <optional>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

/// Reads cleaned text. Opens no file.
/// @returns nothing, after an error, if the text is not libconfig's
std::optional<Document> read_libconfig(std::string_view text, FileIssues issues);

/// Writes a valid configuration; this spelling can say every one. Defaults are left out.
std::string write_libconfig(const core::Config& config);

}  // namespace portsplit::config
