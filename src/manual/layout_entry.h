#pragma once
// A layout of the library with the comments at its head, and what it reads in a recording. For the program
// that makes portsplit-patterns(7) and for tests. The installed programs read a layout as they read every
// configuration.

#include <string>
#include <string_view>
#include <vector>

#include "core/layout.h"
#include "core/result.h"

namespace portsplit::manual {

struct LayoutEntry {
    struct Field {
        std::string name;
        std::string meaning;  ///< one sentence or more
    };

    std::string name;
    std::string title;               ///< the first comment: which protocol it describes
    std::string source;              ///< the second comment: the specification of the protocol
    std::string notes;               ///< the other comments, joined with spaces; may be empty
    std::vector<Field> fields;       ///< of the comments, in their order
    std::vector<std::string> lines;  ///< `[layout NAME]` and the rules, unchanged
    core::Layout layout;
};

/// Reads a layout: `# TITLE`, `# Source: SOURCE`, notes, a `# Field NAME: MEANING` for each field, and
/// `[layout NAME]` with its rules. A comment that begins with more than one blank continues a meaning.
/// @param file_name  for the message only
/// @returns the layout, or its first problem as `FILE:LINE: text` or `FILE: text`
core::Result<LayoutEntry, std::string> read_layout_entry(std::string_view text,
                                                         const std::string& file_name);

/// What a layout reads in the first bytes of a client.
struct Reading {
    enum class End { Fits, NeedsMore, Failed };
    End end = End::Failed;
    std::string values;  ///< `FIELD=VALUE,VALUE ...`, in the order of the layout's fields; escaped

    /// Returns true if the client speaks the protocol of the layout.
    bool is_of_layout() const {
        return end == End::Fits || (end == End::NeedsMore && !values.empty());
    }
};

Reading read_stream(const core::Layout& layout, std::string_view bytes);

}  // namespace portsplit::manual
