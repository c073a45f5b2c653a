// A program of the build: copies portsplit-patterns(7) from standard input to standard output and
// replaces the lines @TABLE@ and @ENTRIES@ by the library of patterns.
//
//   pattern_table LIBRARY RECORDINGS
//
// LIBRARY is the folder of the entries, NAME.conf. RECORDINGS has a folder for each entry, with
// recordings NAME/CLIENT.hex. Exits with 1 if an entry has no recording, or does not match one.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "config/recording.h"
#include "core/explanation.h"
#include "manual/pattern_entry.h"

namespace {

using namespace portsplit;
namespace fs = std::filesystem;

struct Row {
    std::string name;
    manual::PatternEntry entry;
    std::size_t fewest =
        std::numeric_limits<std::size_t>::max();  ///< bytes needed, over all recordings
    std::size_t most = 0;
    std::vector<std::string> clients;  ///< the names of its recordings
};

std::vector<fs::path> sorted_files(const fs::path& folder, std::string_view extension) {
    std::vector<fs::path> files;
    std::error_code ignored;  // a folder that cannot be read has no files; `row_of` reports that
    for (fs::directory_iterator it(folder, ignored); it != fs::directory_iterator();
         it.increment(ignored)) {
        if (it->path().extension() == extension) files.push_back(it->path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::string content(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

[[noreturn]] void fail(std::string_view problem) {
    fmt::print(stderr, "{}\n", problem);
    std::exit(1);
}

Row row_of(const fs::path& path, const fs::path& recordings) {
    auto entry = manual::read_pattern_entry(content(path), path.string());
    if (!entry) fail(entry.error());
    Row row{.name = path.stem().string(), .entry = *std::move(entry), .clients = {}};
    for (const fs::path& recording : sorted_files(recordings / row.name, ".hex")) {
        const auto bytes = config::read_recording(content(recording));
        if (!bytes) {
            fail(fmt::format("{}:{}: {}", recording.string(), bytes.error().line,
                             bytes.error().text));
        }
        const auto needed = core::bytes_to_match(row.entry.service, core::as_bytes(*bytes));
        if (!needed) fail(recording.string() + ": is not what " + row.name + " describes");
        row.fewest = std::min(row.fewest, *needed);
        row.most = std::max(row.most, *needed);
        row.clients.push_back(recording.stem().string());
    }
    if (row.clients.empty()) fail(path.string() + ": has no recordings");
    return row;
}

/// Escapes text so that roff(7) prints it unchanged at any place of a line.
std::string escaped(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '\\') {
            escaped += "\\e";
        } else if (c == '-' || c == '\'' || c == '^' || c == '`' || c == '~') {
            escaped += fmt::format("\\[u{:04X}]", static_cast<unsigned>(c));
        } else {
            escaped += c;
        }
    }
    return escaped;
}

std::string bytes_of(const Row& row) {
    return row.fewest == row.most ? fmt::format("{}", row.fewest)
                                  : fmt::format("{} to {}", row.fewest, row.most);
}

void print_table(const std::vector<Row>& rows) {
    fmt::print(".Bl -column \"postgresql-sslrequest\" \"100 to 200\"\n");
    fmt::print(".It Em Entry Ta Em Bytes Ta Em Source\n");
    for (const Row& row : rows) {
        fmt::print(".It {} Ta {} Ta\n{}\n", row.name, bytes_of(row), escaped(row.entry.source));
    }
    fmt::print(".El\n");
}

/// Prints each sentence on a line of its own (mdoc(7)).
void print_sentences(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(". "), text.size() - 1) + 1;
        fmt::print("{}\n", escaped(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void print_entry(const Row& row) {
    fmt::print(".Ss {}\n{}\n", row.name, escaped(row.entry.title));
    print_sentences(row.entry.notes);
    fmt::print(".Bd -literal -offset indent\n");
    for (const std::string& line : row.entry.lines) fmt::print("\\&{}\n", escaped(line));
    fmt::print(".Ed\n.Pp\nRecorded: {}.\n",
               escaped(fmt::format("{}", fmt::join(row.clients, ", "))));
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) return 64;
    std::vector<Row> rows;
    for (const fs::path& path : sorted_files(arguments[1], ".conf")) {
        rows.push_back(row_of(path, arguments[2]));
    }
    for (std::string line; std::getline(std::cin, line);) {
        if (line == "@TABLE@") {
            print_table(rows);
        } else if (line == "@ENTRIES@") {
            for (const Row& row : rows) print_entry(row);
        } else {
            fmt::print("{}\n", line);
        }
    }
    return 0;
}
