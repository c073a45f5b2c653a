#include "config/recording.h"

#include <fmt/core.h>

#include <optional>
#include <utility>

#include "config/spelling.h"
#include "core/hex.h"

namespace portsplit::config {

core::Result<std::string, Problem> bytes_of_hex(std::string_view text) {
    const auto sets = core::parse_hex(text);
    if (!sets) {
        const core::PatternProblem& problem = sets.error();
        return Problem{fmt::format("{} (at byte {})", problem.text, problem.place + 1)};
    }
    std::string bytes;
    const bool has_range = text.find('-') != text.npos;  // 11-11 is one byte, too
    for (const core::ByteSet& set : *sets) {
        if (has_range || !set.is_single()) return Problem{"? and ranges are for patterns only"};
        bytes += static_cast<char>(set.low);
    }
    return bytes;
}

core::Result<std::string, RecordingProblem> read_recording(std::string_view text) {
    std::string bytes;
    std::optional<RecordingProblem> problem;
    any_line(text, [&](std::string_view line, int number) {
        if (trim(line).empty() || line.starts_with('#')) return false;
        const auto more = bytes_of_hex(line);
        if (more) {
            bytes += *more;
        } else {
            problem = {number, more.error().text};
        }
        return problem.has_value();
    });
    if (problem) return *std::move(problem);
    if (bytes.empty()) return RecordingProblem{1, "no byte in it; write two hex digits for each"};
    return bytes;
}

}  // namespace portsplit::config
