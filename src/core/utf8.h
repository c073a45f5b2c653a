#pragma once
// Where UTF-8 ends in a stream of which more may come. For core/regex.cc, which explains why PCRE2
// cannot do it.

#include "core/bytes.h"

namespace portsplit::core {

/// The whole characters at the beginning of a stream.
struct Utf8Beginning {
    Bytes characters;
    bool has_ended = false;  ///< true if the next byte cannot continue UTF-8, so none ever follows
};

/// Returns the longest beginning of whole characters (Unicode Standard, table 3-7). A character
/// whose last bytes are still missing is left out and does not end the text.
Utf8Beginning whole_characters(Bytes seen);

}  // namespace portsplit::core
