#pragma once
// Text for mdoc(7), for the program that makes portsplit-patterns(7).

#include <string>
#include <string_view>

namespace portsplit::manual {

/// Escapes text so that roff(7) prints it unchanged at any place of a line.
std::string escaped(std::string_view text);

/// Returns the text with each sentence on a line of its own, escaped.
std::string sentences(std::string_view text);

}  // namespace portsplit::manual
