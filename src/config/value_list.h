#pragma once
// Values from a file: `@FILE` in a condition, or in a list of clients, stands for the lines of that file. Called by include.cc for
// each file that is read.

#include <cstddef>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/include.h"
#include "config/issue.h"

namespace portsplit::config {

/// Returns a path from the folder of the file that names it.
std::string path_from(std::string_view including, std::string_view name);

/// Replaces each `@FILE` in the conditions and lists of clients of a section by the lines of that file, without
/// empty ones and those that begin with #. Issues: a file that cannot be read, and one in it.
/// @param including  the path of the file that the section is in
/// @param bytes  of all texts read so far; grows by those of the lists
void expand_lists(Section& section, const std::string& including, std::size_t& bytes,
                  const Files& files, Issues& issues);

}  // namespace portsplit::config
