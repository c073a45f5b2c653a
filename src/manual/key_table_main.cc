// A program of the build: copies portsplit.conf(5) from standard input to standard output and replaces
// the line @KEYS@ by the rows of the key table.

#include <fmt/core.h>

#include <cctype>
#include <iostream>
#include <string>
#include <string_view>

#include "config/key_table.h"
#include "config/placeholder.h"

namespace {

using namespace portsplit::config;

/// Returns the text as a sentence on a line of its own with its backslashes escaped (mdoc(7)).
std::string sentence(std::string_view text) {
    std::string line;
    for (const char c : text) line += c == '\\' ? std::string("\\e") : std::string(1, c);
    line.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(line.front())));
    return line + ".\n";
}

void print_row(const Key& key) {
    fmt::print(".It Ic {} No = Ar {}\n", key.name, placeholder(key));
    fmt::print("{}", sentence(key.help));
    if (key.takes.type == Type::Number || key.takes.type == Type::Seconds) {
        fmt::print("From {} to {}.\n", key.takes.smallest, key.takes.largest);
    }
    if (key.takes.repeatable) fmt::print("May be given several times.\n");
    if (key.default_text.empty()) return;
    const std::string unit = key.unit.empty() ? "" : fmt::format(" {}", key.unit);
    fmt::print("The default is {}{}.\n", key.default_text, unit);
}

/// The manual lists the keys of one action among those of a service.
Place heading_of(const Key& key) {
    const bool is_of_action = key.takes.place == Place::Exec || key.takes.place == Place::Connect;
    return is_of_action ? Place::Service : key.takes.place;
}

void print_keys(Place place, std::string_view title) {
    fmt::print(".Ss {}\n.Bl -tag -width Ds\n", title);
    for (const Key& key : keys()) {
        if (heading_of(key) == place) print_row(key);
    }
    fmt::print(".El\n");
}

}  // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        if (line == "@KEYS@") {
            print_keys(Place::Global, "Global keys");
            print_keys(Place::Listening, "Global or of a listener");
            print_keys(Place::Listener, "Keys of a listener");
            print_keys(Place::Service, "Keys of a service");
            print_keys(Place::Both, "Global or of a service");
        } else {
            fmt::print("{}\n", line);
        }
    }
    return 0;
}
