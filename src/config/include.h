#pragma once
// Reads a file and all files that it includes into one tree. An `include` above the services is
// replaced by a whole file; an `include` in a service by the entries of a file's only service. What else
// comes from files is in value_list.h and layout_library.h.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/issue.h"
#include "core/result.h"

namespace portsplit::config {

/// Why a file cannot be read, as a sentence that names it.
struct Unreadable {
    std::string why;
};

/// How included files are read: config/ opens no file itself.
struct Files {
    /// Returns the text of a file. If this is empty, every include is an error.
    std::function<core::Result<std::string, Unreadable>(const std::string& path)> read = {};
    /// Returns the names in a folder, for "did you mean"; may be empty.
    std::function<std::vector<std::string>(const std::string& folder)> names = {};
    /// The folder of the library of patterns: an include of NAME is NAME.conf in it.
    std::string library = {};
};

// Limits of included files.
inline constexpr std::size_t kDeepestInclude = 16;  ///< files, each included by the one before
inline constexpr std::size_t kMostFiles = 1000;     ///< FILE itself included
/// Of all texts together, in bytes. A file counts as often as it is included.
inline constexpr std::size_t kLargestWhole = std::size_t{16} << 20;

/// Reads a configuration and each file it includes, each in its own spelling. Issues: those of the
/// readers; includes that cannot be read, that exceed a limit, or that lead in a circle.
/// @returns a tree without includes; nothing, after an error, if no tree can be made of the text
std::optional<Document> read_with_includes(std::string_view text, const std::string& file_name,
                                           const Files& files, Issues& issues);

}  // namespace portsplit::config
