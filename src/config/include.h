#pragma once
// A file and all that it includes, to one tree. An `include` at the top takes all of a file, one in
// a service the entries of a file's one service, each at its place in the order.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/issue.h"
#include "core/result.h"

namespace portsplit::config {

/// Why a file cannot be had, as a sentence that names it.
struct Unreadable {
    std::string why;
};

/// How a configuration gets at the files that it includes, for this room opens none.
struct Files {
    /// The text of a file. Empty: an include is an error.
    std::function<core::Result<std::string, Unreadable>(const std::string& path)> read = {};
    /// The names in a folder, for "did you mean"; may be empty.
    std::function<std::vector<std::string>(const std::string& folder)> names = {};
    /// The folder of the library of patterns: an include of NAME is NAME.conf in it.
    std::string library = {};
};

// No file on a disk takes an include further than this.
inline constexpr std::size_t kDeepestInclude = 16;  ///< files, each included by the one before
inline constexpr std::size_t kMostFiles = 1000;     ///< the one that was asked for among them
/// The texts of all files, each as often as it is included, in bytes.
inline constexpr std::size_t kLargestWhole = std::size_t{16} << 20;

/// Reads a configuration in either spelling, and each file it includes in its own. Issues: what the
/// readers say of each file; includes of what cannot be had, of too much, or of a file by itself.
/// @returns a tree without includes; nothing, after an error, if the text cannot be read at all
std::optional<Document> read_with_includes(std::string_view text, const std::string& file_name,
                                           const Files& files, Issues& issues);

}  // namespace portsplit::config
