#include "manual/pattern_entry.h"

#include <charconv>
#include <sstream>
#include <utility>

#include "config/load.h"

namespace portsplit::manual {
namespace {

constexpr std::string_view kComment = "# ";
constexpr std::string_view kSource = "Source: ";

/// Takes the comments off the front of an entry, and the line with its name behind them.
void read_comments(std::istream& lines, PatternEntry& entry) {
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line) && line.starts_with(kComment); ++number) {
        line.erase(0, kComment.size());
        if (number == 0) {
            entry.title = line;
        } else if (number == 1 && line.starts_with(kSource)) {
            entry.source = line.substr(kSource.size());
        } else {
            entry.notes += (entry.notes.empty() ? "" : " ") + line;
        }
    }
}

}  // namespace

core::Result<PatternEntry, std::string> read_pattern_entry(std::string_view text,
                                                           const std::string& file_name) {
    PatternEntry entry;
    std::istringstream lines{std::string(text)};
    read_comments(lines, entry);
    if (entry.title.empty()) return file_name + ":1: no comment that says what it is";
    if (entry.source.empty()) return file_name + ":2: no comment that begins with Source:";
    for (std::string line; std::getline(lines, line);) entry.lines.push_back(line);

    // A service has to do something, and an entry leaves that to whoever includes it.
    config::Loaded loaded = config::read(std::string(text) + "connect = 192.0.2.1:1\n", file_name,
                                         config::Need::Services);
    if (!loaded.issues.empty()) return config::to_string(loaded.issues.front());
    if (loaded.config->services.size() != 1) return file_name + ":1: more than one service";
    entry.service = std::move(loaded.config->services.front());
    return entry;
}

std::string recorded_bytes(std::string_view text) {
    std::string bytes;
    std::istringstream words{std::string(text)};
    std::string how_it_was_made;
    std::getline(words, how_it_was_made);
    for (std::string word; words >> word;) {
        unsigned char byte = 0;
        std::from_chars(word.data(), word.data() + word.size(), byte, 16);
        bytes += static_cast<char>(byte);
    }
    return bytes;
}

}  // namespace portsplit::manual
