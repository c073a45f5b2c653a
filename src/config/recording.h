#pragma once
// Bytes written in hex: the argument of --hex, and a recording, which is a file of the first bytes of a
// client. Both are bytes, not patterns, so neither has ? or ranges.

#include <string>
#include <string_view>

#include "config/value.h"
#include "core/result.h"

namespace portsplit::config {

/// Returns the bytes of a text such as `16 03 01`.
core::Result<std::string, Problem> bytes_of_hex(std::string_view text);

struct RecordingProblem {
    int line = 1;
    std::string text;
};

/// Returns the bytes of a recording: lines of hex, and comments, which begin with # at the start of a line.
/// @returns a problem, too, if there is no byte
core::Result<std::string, RecordingProblem> read_recording(std::string_view text);

}  // namespace portsplit::config
