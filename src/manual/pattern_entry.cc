#include "manual/pattern_entry.h"

#include <fmt/core.h>

#include <sstream>
#include <utility>

#include "config/load.h"

namespace portsplit::manual {
namespace {

constexpr std::string_view kComment = "# ";
constexpr std::string_view kSource = "Source: ";

/// Reads the comments at the head of an entry, and the line `[NAME]` after them.
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
    if (entry.title.empty())
        return fmt::format("{}:1: the first comment, a title, is missing", file_name);
    if (entry.source.empty())
        return fmt::format("{}:2: no comment that begins with Source:", file_name);
    for (std::string line; std::getline(lines, line);) entry.lines.push_back(line);

    // The configuration that includes an entry has the action; without one, reading would fail.
    config::Loaded loaded = config::read(std::string(text) + "connect = 192.0.2.1:1\n", file_name,
                                         config::Need::Services);
    if (!loaded.issues.empty()) return config::to_string(loaded.issues.front());
    if (loaded.config->services.size() != 1)
        return fmt::format("{}:1: more than one service", file_name);
    entry.service = std::move(loaded.config->services.front());
    return entry;
}

}  // namespace portsplit::manual
