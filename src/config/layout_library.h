#pragma once
// Layouts of the library: one that a service asks and that the configuration does not define is read from
// there. Called by include.cc, when all files are read.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/include.h"
#include "config/issue.h"

namespace portsplit::config {

/// Reads the text of a file, which may include others.
using ReadFile =
    std::function<std::optional<Document>(std::string_view text, const std::string& path)>;

/// Adds the layouts that sections ask or pass on and the document does not have: LAYOUT is `layouts/LAYOUT.conf` in the
/// folder of the library. Issues: a layout that is not there.
void add_missing_layouts(Document& document, const Files& files, const ReadFile& read,
                         Issues& issues);

}  // namespace portsplit::config
