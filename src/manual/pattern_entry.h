#pragma once
// An entry of the library of patterns with the comments at its head. For the programs that make the
// manuals and for tests. The installed programs read an entry as they read every configuration.

#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "core/result.h"

namespace portsplit::manual {

struct PatternEntry {
    std::string title;               ///< the first comment: which protocol it matches
    std::string source;              ///< the second comment: the specification of the protocol
    std::string notes;               ///< the other comments, joined with spaces; may be empty
    std::vector<std::string> lines;  ///< the lines of the patterns, unchanged
    core::Service service;           ///< name and patterns; ignore its action
};

/// Reads an entry: `# TITLE`, `# Source: SOURCE`, notes, and one service with patterns only.
/// @param file_name  for the message only
/// @returns the entry, or its first problem as `FILE:LINE: text`
core::Result<PatternEntry, std::string> read_pattern_entry(std::string_view text,
                                                           const std::string& file_name);

}  // namespace portsplit::manual
