#pragma once
// An entry of the library of patterns, with the comments that a reader wants, and the recordings of
// clients that it is tested with. For the tools of the build and the tests: to a program an entry
// is a configuration like any other.

#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "core/result.h"

namespace portsplit::manual {

struct PatternEntry {
    std::string title;               ///< the first line: what it is
    std::string source;              ///< where that is specified
    std::string notes;               ///< the other comments, as one text; may be empty
    std::vector<std::string> lines;  ///< the patterns as they are written
    core::Service service;           ///< without an action that means anything
};

/// Reads `# TITLE`, `# Source: SOURCE`, notes, and one service that has patterns and nothing else.
/// @param file_name  for the problem only
/// @returns the entry, or the first thing that is wrong with it, as `FILE:LINE: text`
core::Result<PatternEntry, std::string> read_pattern_entry(std::string_view text,
                                                           const std::string& file_name);

/// The bytes of a recording.
/// @param text  a line that says how it was made, then the bytes in hex
std::string recorded_bytes(std::string_view text);

}  // namespace portsplit::manual
