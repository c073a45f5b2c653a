#pragma once
// Values that can be read but are never meant: quotes or a comment that the classic spelling takes as part
// of the value, typographic quotes and dashes, bits behind a prefix, and bytes in hex as the text of a `string`. Wording only; section.cc asks.

#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/key_table.h"

namespace portsplit::config {

/// A warning about one value.
struct Suspicion {
    std::string_view name;  ///< for --silence
    std::string text;
};

/// Returns what is suspicious about a value that its key can read.
std::vector<Suspicion> suspicions_of(const Key& key, const Value& value);

}  // namespace portsplit::config
