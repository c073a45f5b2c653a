// A tool of the build: copies portsplit.conf(5) from standard input to standard output and puts the
// keys, as the option table has them, in the place of the line @KEYS@.

#include <fmt/core.h>

#include <cctype>
#include <iostream>
#include <string>
#include <string_view>

#include "config/key_table.h"

namespace {

using namespace portsplit::config;

/// A sentence on a line of its own, its backslashes escaped, as mdoc(7) wants it.
std::string sentence(std::string_view text) {
    std::string line;
    for (const char c : text) line += c == '\\' ? std::string("\\e") : std::string(1, c);
    line.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(line.front())));
    return line + ".\n";
}

void print_row(const Option& option) {
    fmt::print(".It Ic {} No = Ar {}\n", option.key, form(option));
    fmt::print("{}", sentence(option.help));
    if (option.type == Type::Number) {
        fmt::print("From {} to {}.\n", option.smallest, option.largest);
    }
    if (option.repeatable) fmt::print("May be given several times.\n");
    if (option.default_text.empty()) return;
    const std::string unit = option.unit.empty() ? "" : fmt::format(" {}", option.unit);
    fmt::print("The default is {}{}.\n", option.default_text, unit);
}

void print_keys(Place place, std::string_view title) {
    fmt::print(".Ss {}\n.Bl -tag -width Ds\n", title);
    for (const Option& option : options()) {
        if (option.place == place) print_row(option);
    }
    fmt::print(".El\n");
}

}  // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        if (line == "@KEYS@") {
            print_keys(Place::Global, "Global keys");
            print_keys(Place::Service, "Keys of a service");
            print_keys(Place::Both, "Global or of a service");
        } else {
            fmt::print("{}\n", line);
        }
    }
    return 0;
}
