#include "manual/layout_entry.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include "config/escape.h"
#include "config/load.h"
#include "core/bytes.h"
#include "core/layout_run.h"

namespace portsplit::manual {
namespace {

constexpr std::string_view kComment = "# ";
constexpr std::string_view kSource = "Source: ";
constexpr std::string_view kField = "Field ";
constexpr std::string_view kSection = "[layout ";

void append_words(std::string& text, std::string_view words) {
    if (!text.empty()) text += ' ';
    text += words.substr(std::min(words.find_first_not_of(' '), words.size()));
}

/// Reads one comment behind title and source.
void read_comment(std::string_view comment, LayoutEntry& entry) {
    const std::size_t colon = comment.find(": ");
    if (comment.starts_with(kField) && colon != comment.npos) {
        entry.fields.push_back({std::string(comment.substr(kField.size(), colon - kField.size())),
                                std::string(comment.substr(colon + 2))});
    } else if (comment.starts_with(' ') && !entry.fields.empty()) {
        append_words(entry.fields.back().meaning, comment);
    } else {
        append_words(entry.notes, comment);
    }
}

/// Reads the lines of a file, but compiles nothing.
LayoutEntry read_lines(std::string_view text) {
    LayoutEntry entry;
    std::istringstream lines{std::string(text)};
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line); ++number) {
        const std::string_view comment = std::string_view(line).substr(
            line.starts_with(kComment) ? kComment.size() : line.size());
        if (!line.starts_with(kComment)) {
            entry.lines.push_back(line);
        } else if (number == 0) {
            entry.title = comment;
        } else if (number == 1 && comment.starts_with(kSource)) {
            entry.source = comment.substr(kSource.size());
        } else {
            read_comment(comment, entry);
        }
    }
    if (!entry.lines.empty() && entry.lines.front().starts_with(kSection)) {
        entry.name = entry.lines.front().substr(kSection.size());
        entry.name.resize(std::min(entry.name.find(']'), entry.name.size()));
    }
    return entry;
}

/// Returns the first difference between the fields of the layout and of the comments; empty if there is none.
std::string wrong_fields(const LayoutEntry& entry) {
    for (const core::Layout::Field& field : entry.layout.fields()) {
        const auto count = std::ranges::count(entry.fields, std::string_view(field.name),
                                              &LayoutEntry::Field::name);
        if (count != 1) {
            return fmt::format("{} comments about field {}; write one, `# Field {}: ...`", count,
                               std::string_view(field.name), std::string_view(field.name));
        }
    }
    for (const LayoutEntry::Field& field : entry.fields) {
        if (!entry.layout.find_field(field.name))
            return fmt::format("a comment about field {}, which the layout does not have",
                               field.name);
    }
    return "";
}

}  // namespace

core::Result<LayoutEntry, std::string> read_layout_entry(std::string_view text,
                                                         const std::string& file_name) {
    LayoutEntry entry = read_lines(text);
    if (entry.title.empty())
        return fmt::format("{}:1: the first comment, a title, is missing", file_name);
    if (entry.source.empty())
        return fmt::format("{}:2: no comment that begins with Source:", file_name);
    if (entry.name.empty())
        return fmt::format("{}: no section [layout NAME] behind the comments", file_name);

    // Only a layout that a service asks is compiled.
    const config::Loaded loaded =
        config::read(fmt::format("{}\n[s]\nlayout = {}\nconnect = 192.0.2.1:1\n", text, entry.name),
                     file_name, config::Need::Services);
    if (!loaded.issues.empty()) return config::to_string(loaded.issues.front());
    if (loaded.config->layouts.size() != 1)
        return fmt::format("{}: not one layout alone", file_name);
    auto layout = core::Layout::compile(loaded.config->layouts.front());
    if (!layout) return fmt::format("{}: {}", file_name, layout.error().front().text);
    entry.layout = *std::move(layout);
    if (const std::string problem = wrong_fields(entry); !problem.empty())
        return fmt::format("{}: {}", file_name, problem);
    return entry;
}

Reading read_stream(const core::Layout& layout, std::string_view bytes) {
    using State = core::LayoutRun::State;
    core::LayoutRun run(layout);
    for (std::size_t i = 0; i < layout.fields().size(); ++i) run.want(i);
    run.want_end();
    run.advance(core::as_bytes(bytes));
    Reading reading;
    if (run.state() == State::Fits) reading.end = Reading::End::Fits;
    if (run.state() == State::Reading) reading.end = Reading::End::NeedsMore;
    for (std::size_t i = 0; i < layout.fields().size(); ++i) {
        std::string members;
        for (const core::FieldValue& value : run.field(i).values) {
            members += "," + config::escape(value.text);
        }
        if (run.field(i).values.empty()) continue;
        reading.values += fmt::format("{}{}={}", reading.values.empty() ? "" : " ",
                                      std::string_view(layout.fields()[i].name), members.substr(1));
    }
    return reading;
}

}  // namespace portsplit::manual
