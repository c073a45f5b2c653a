#include "config/classic_reader.h"

#include <fmt/core.h>

#include <string>

#include "config/option_table.h"
#include "config/source.h"
#include "config/wording.h"

namespace portsplit::config {
namespace {

class Reader {
  public:
    explicit Reader(FileIssues issues) : issues_(issues) {}

    void take(std::string_view line, int number) {
        const std::string_view content = trim(line);
        if (content.empty() || line.front() == '#') return;
        if (line.find('\r') != std::string_view::npos) {
            issues_.error(number, "a carriage return inside the line; end lines with LF alone");
        } else if (content.front() == '#') {
            issues_.error(number, "# begins a comment only as the first character of a line");
        } else if (content.front() == '[') {
            take_section(content, number);
        } else {
            take_entry(line, number);
        }
    }

    Document finish() {
        document_.global.spot = issues_.at(1);
        return std::move(document_);
    }

  private:
    void take_section(std::string_view content, int number) {
        const std::size_t close = content.find(']');
        if (close != content.size() - 1) {
            issues_.error(number, fmt::format("{}: not a section; write [NAME] alone on its line",
                                              shown(content)));
        }
        // A broken header still begins a section, or the lines below it would seem misplaced.
        const std::string_view name = content.substr(1, close == content.npos ? close : close - 1);
        Section& section = document_.services.emplace_back();
        section.name = name;
        section.spot = issues_.at(number);
    }

    void take_entry(std::string_view line, int number) {
        const std::size_t equals = line.find('=');
        const std::string_view key = trim(line.substr(0, equals));
        if (equals == std::string_view::npos || key.empty()) {
            issues_.error(number,
                          fmt::format("{}: neither key = value, nor [service], nor # comment",
                                      shown(trim(line))));
            return;
        }
        const std::string_view value = trim(line.substr(equals + 1));
        const bool ends_in_blank = line.back() == ' ' || line.back() == '\t';
        if (ends_in_blank && !value.empty()) warn_of_blanks(key, number);
        Section& section =
            document_.services.empty() ? document_.global : document_.services.back();
        const Spot spot = issues_.at(number);
        section.entries.push_back(
            {std::string(key), spot, false, {{spot, Kind::Bare, std::string(value)}}});
    }

    void warn_of_blanks(std::string_view key, int number) {
        const Option* option = find_option(key);
        const bool has_escapes = option != nullptr && option->type == Type::Bytes;
        issues_.warning(number,
                        fmt::format("{}: blanks at the end of the value are dropped{}", shown(key),
                                    has_escapes ? "; write \\20 for one that belongs to it" : ""));
    }

    FileIssues issues_;
    Document document_;
};

}  // namespace

Document read_classic(std::string_view text, FileIssues issues) {
    Reader reader(issues);
    for_each_line(text, [&](std::string_view line, int number) { reader.take(line, number); });
    return reader.finish();
}

}  // namespace portsplit::config
