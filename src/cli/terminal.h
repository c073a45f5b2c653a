#pragma once
// What a terminal adds to the output: colour and a width. A pipe or a file gets plain text and whole lines.

#include <cstddef>
#include <string>
#include <string_view>

namespace portsplit::cli {

enum class Colour { Plain, Terminal };

/// How text for one descriptor looks.
struct Look {
    Colour colour = Colour::Plain;
    std::size_t width = 0;  ///< in columns; 0: lines are not wrapped
};

/// Returns the look for a descriptor. Colour needs a terminal that is not `dumb`, and an environment
/// without NO_COLOR (https://no-color.org). A terminal that does not know its width has 80 columns.
Look look_of(int fd);

// SGR codes (console_codes(4)).
inline constexpr std::string_view kBold = "1";
inline constexpr std::string_view kBoldRed = "1;31";
inline constexpr std::string_view kBoldGreen = "1;32";
inline constexpr std::string_view kBoldYellow = "1;33";
inline constexpr std::string_view kCyan = "36";

/// Returns a text between an SGR code and the code that ends it; unchanged if it is for no terminal.
std::string painted(std::string_view text, std::string_view code, Colour colour);

}  // namespace portsplit::cli
