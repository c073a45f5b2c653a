// A program of the build: copies portsplit-patterns(7) from standard input to standard output and
// replaces the lines @TABLE@ and @ENTRIES@ by the library of patterns, and @LAYOUT_TABLE@ and @LAYOUTS@ by
// that of layouts.
//
//   pattern_table LIBRARY RECORDINGS
//
// LIBRARY is the folder of the entries, NAME.conf, and of the layouts, layouts/NAME.conf. RECORDINGS has a
// folder for each entry, with recordings NAME/CLIENT.hex. Exits with 1 if an entry has no recording, or does
// not match one.

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
#include "manual/layout_entry.h"
#include "manual/layout_pages.h"
#include "manual/mdoc.h"
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

struct Recording {
    std::string pattern;
    std::string client;
    std::string bytes;
};

std::vector<Recording> all_recordings(const std::vector<Row>& rows, const fs::path& recordings) {
    std::vector<Recording> all;
    for (const Row& row : rows) {
        for (const fs::path& file : sorted_files(recordings / row.name, ".hex"))
            all.push_back({row.name, file.stem(), *config::read_recording(content(file))});
    }
    return all;
}

manual::LayoutPage page_of(const fs::path& path, const std::vector<Recording>& recordings) {
    auto entry = manual::read_layout_entry(content(path), path.string());
    if (!entry) fail(entry.error());
    manual::LayoutPage page{*std::move(entry), {}};
    for (const Recording& it : recordings) {
        if (manual::read_stream(page.entry.layout, it.bytes).is_of_layout())
            page.clients.push_back(manual::client_name(page.entry.name, it.pattern, it.client));
    }
    return page;
}

std::string bytes_of(const Row& row) {
    return row.fewest == row.most ? fmt::format("{}", row.fewest)
                                  : fmt::format("{} to {}", row.fewest, row.most);
}

void print_table(const std::vector<Row>& rows) {
    fmt::print(".Bl -column \"postgresql-sslrequest\" \"100 to 200\"\n");
    fmt::print(".It Em Entry Ta Em Bytes Ta Em Source\n");
    for (const Row& row : rows) {
        fmt::print(".It {} Ta {} Ta\n{}\n", row.name, bytes_of(row),
                   manual::escaped(row.entry.source));
    }
    fmt::print(".El\n");
}

void print_entry(const Row& row) {
    fmt::print(".Ss {}\n{}\n", row.name, manual::escaped(row.entry.title));
    fmt::print("{}", manual::sentences(row.entry.notes));
    fmt::print(".Bd -literal -offset indent\n");
    for (const std::string& line : row.entry.lines) fmt::print("\\&{}\n", manual::escaped(line));
    fmt::print(".Ed\n.Pp\nRecorded: {}.\n",
               manual::escaped(fmt::format("{}", fmt::join(row.clients, ", "))));
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) return 64;
    std::vector<Row> rows;
    for (const fs::path& path : sorted_files(arguments[1], ".conf")) {
        rows.push_back(row_of(path, arguments[2]));
    }
    const std::vector<Recording> recordings = all_recordings(rows, arguments[2]);
    std::vector<manual::LayoutPage> layouts;
    for (const fs::path& path : sorted_files(fs::path(arguments[1]) / "layouts", ".conf"))
        layouts.push_back(page_of(path, recordings));
    for (std::string line; std::getline(std::cin, line);) {
        if (line == "@TABLE@") {
            print_table(rows);
        } else if (line == "@ENTRIES@") {
            for (const Row& row : rows) print_entry(row);
        } else if (line == "@LAYOUT_TABLE@") {
            fmt::print("{}", manual::layout_table(layouts));
        } else if (line == "@LAYOUTS@") {
            for (const manual::LayoutPage& page : layouts)
                fmt::print("{}", manual::layout_section(page));
        } else {
            fmt::print("{}\n", line);
        }
    }
    return 0;
}
