#include "config/classic.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/describe.h"
#include "config/key_table.h"
#include "config/meant.h"
#include "config/spelling.h"
#include "config/wording.h"

namespace portsplit::config {
namespace {

// How the names of layouts and listeners are told from those of services, which have no blank.
constexpr std::string_view kLayoutWord = "layout";
constexpr std::string_view kListenerWord = "listener";

bool has_escapes(std::string_view name) {
    const Key* key = find_key(name);
    return key != nullptr && key->takes.type == Type::Bytes;
}

class Reader {
  public:
    Reader(FileIssues issues, Sections sections) : issues_(issues), sections_(sections) {}

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
        const std::string_view inside =
            content.substr(1, close == content.npos ? close : close - 1);
        const std::string_view name = trim(inside);
        if (close != content.size() - 1) {
            issues_.error(number, fmt::format("{}: not a section; {}", shown(content),
                                              advice_for_header(content, close, name)));
        } else if (name != inside) {
            issues_.error(number, fmt::format("{}: no blanks inside [ ]; write [{}]",
                                              shown(content), shown(name)));
        }
        // A broken header begins a section, too: otherwise each line below it would be an error.
        begin(content, name, number).spot = issues_.at(number);
    }

    /// Begins the section of a header.
    Section& begin(std::string_view content, std::string_view name, int number) {
        const std::size_t blank = std::min(name.find_first_of(" \t"), name.size());
        const std::string_view behind = trim(name.substr(blank));
        const auto word = sections_ == Sections::Services && !behind.empty()
                              ? nearest(name.substr(0, blank), {kLayoutWord, kListenerWord})
                              : std::nullopt;
        if (word && name.substr(0, blank) != *word) {
            issues_.error(number, fmt::format("{}: not the beginning of a {}; write [{} {}]",
                                              shown(content), *word, *word, shown(behind)));
        }
        group_ = word == kLayoutWord     ? &document_.layouts
                 : word == kListenerWord ? &document_.listeners
                                         : &document_.services;
        Section& section = group_->emplace_back();
        section.name = word ? behind : name;
        return section;
    }

    Section& current() { return group_ == nullptr ? document_.global : group_->back(); }

    /// @param close  where the bracket of a broken header is closed
    static std::string advice_for_header(std::string_view content, std::size_t close,
                                         std::string_view name) {
        const bool has_comment =
            close != content.npos && trim(content.substr(close + 1)).starts_with('#');
        if (!has_comment) return "write [NAME] alone on its line";
        return fmt::format("{}; write [{}]", rule_of(Habit::Comment), shown(name));
    }

    void take_entry(std::string_view line, int number) {
        const std::size_t equals = line.find('=');
        const std::string_view key = trim(line.substr(0, equals));
        if (equals == std::string_view::npos || key.empty()) {
            issues_.error(
                number,
                fmt::format("{}: neither key = value, nor {}, nor # comment", shown(trim(line)),
                            sections_ == Sections::Services ? "[service]" : "[NAME]"));
            return;
        }
        const std::string_view value = trim(line.substr(equals + 1));
        const bool ends_in_blank = line.back() == ' ' || line.back() == '\t';
        if (ends_in_blank && !value.empty()) warn_of_blanks(key, number);
        Section& section = current();
        const Spot spot = issues_.at(number);
        Entry& entry = section.entries.emplace_back();
        entry.key = key;
        entry.spot = spot;
        entry.values.push_back({spot, Kind::Bare, std::string(value)});
    }

    void warn_of_blanks(std::string_view name, int number) {
        issues_.warning(
            number,
            fmt::format("{}: blanks at the end of the value are dropped{}", shown(name),
                        has_escapes(name) ? "; write \\20 for one that belongs to it" : ""),
            "blanks", current().name);
    }

    FileIssues issues_;
    Sections sections_;
    Document document_;
    std::vector<Section>* group_ = nullptr;  ///< of the section that is read; null above all
};

/// Returns why a value cannot stand on a line of the classic spelling; empty if it can.
std::string why_no_line(std::string_view text) {
    if (text.find_first_of("\n\r") != text.npos) {
        return "a line end, which the classic spelling cannot express; use libconfig's";
    }
    if (trim(text) != text) {
        return "a blank at an end, which the classic spelling cannot express; use libconfig's";
    }
    return {};
}

/// Returns a pattern with the blanks at its ends as escapes, because a reader drops them from a line.
std::string with_ends_escaped(std::string_view pattern) {
    std::string text(pattern);
    if (text.ends_with(' ')) text.replace(text.size() - 1, 1, "\\20");
    if (text.starts_with(' ')) text.replace(0, 1, "\\20");
    return text;
}

std::optional<Inexpressible> append_classic(const Section& section, std::string& out) {
    for (const Entry& entry : section.entries) {
        for (const Value& value : entry.values) {
            const std::string text =
                has_escapes(entry.key) ? with_ends_escaped(value.text) : value.text;
            if (std::string why = why_no_line(text); !why.empty()) {
                return Inexpressible{section.name, entry.key, std::move(why)};
            }
            const char* blank = text.empty() ? "" : " ";
            out += fmt::format("{:<{}} ={}{}\n", entry.key, longest_key(section), blank, text);
        }
    }
    return std::nullopt;
}

}  // namespace

Document read_classic(std::string_view text, FileIssues issues, Sections sections) {
    Reader reader(issues, sections);
    for_each_line(text, [&](std::string_view line, int number) { reader.take(line, number); });
    return reader.finish();
}

std::string to_string(const Inexpressible& inexpressible) {
    const std::string service =
        inexpressible.service.empty() ? "" : fmt::format("service {}: ", inexpressible.service);
    return fmt::format("{}{}: {}", service, inexpressible.key, inexpressible.why);
}

core::Result<std::string, Inexpressible> write_classic(const core::Config& config) {
    const Document document = describe(config);
    std::string out;
    if (auto inexpressible = append_classic(document.global, out)) return *std::move(inexpressible);
    const std::pair<std::string, const std::vector<Section>*> groups[]{
        {fmt::format("{} ", kListenerWord), &document.listeners},
        {fmt::format("{} ", kLayoutWord), &document.layouts},
        {"", &document.services}};
    for (const auto& [header, sections] : groups) {
        for (const Section& section : *sections) {
            out += fmt::format("{}[{}{}]\n", out.empty() ? "" : "\n", header, section.name);
            if (auto inexpressible = append_classic(section, out)) return *std::move(inexpressible);
        }
    }
    return out;
}

}  // namespace portsplit::config
