#include "config/value_list.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "config/key_table.h"
#include "config/prefix.h"
#include "config/spelling.h"
#include "config/wording.h"
#include "core/passed_fields.h"

namespace portsplit::config {
namespace {

/// An expression that fits no value.
constexpr const char* kNothing = "~(?!)";

bool is_list_of_prefixes(const Entry& entry) {
    const Key* key = find_key(entry.key);
    return key != nullptr && key->takes.type == Type::Prefix;
}

class Expander {
  public:
    Expander(const std::string& including, std::size_t& bytes, const Files& files, Issues& issues)
        : including_(including), bytes_(bytes), files_(files), issues_(issues) {}

    /// @returns false if a file could not be read
    bool expand(Entry& entry) {
        bool is_whole = true;
        const Spot spot = entry.values.empty() ? entry.spot : entry.values.front().spot;
        const Kind kind = entry.values.empty() ? Kind::String : entry.values.front().kind;
        for (Value& value : std::exchange(entry.values, {})) {
            if (!value.text.starts_with('@')) {
                entry.values.push_back(std::move(value));
            } else {
                is_whole &= append_lines(entry, value);
            }
        }
        if (entry.values.empty() && is_whole && is_list_of_prefixes(entry)) {
            empty_.push_back({&entry, spot, kind});
        } else if (entry.values.empty() && is_whole) {
            issues_.warning(
                spot,
                fmt::format("{}: a list without a value, such as a file without a line; "
                            "no client fits it",
                            entry.key),
                "never-fits");
            // The condition stays: without it, the service would take more clients.
            entry.values.push_back({spot, kind, kNothing});
        }
        return is_whole;
    }

    /// Gives the lists of clients that stayed empty, of all entries of a section together, a value that is
    /// nobody: an empty list stays a list.
    void fill_empty(const Section& section) {
        for (const Empty& it : empty_) {
            const bool is_empty = std::ranges::all_of(section.entries, [&](const Entry& other) {
                return other.key != it.entry->key || other.values.empty();
            });
            if (is_empty) fill_with_none(*it.entry, it.spot, it.kind);
        }
    }

  private:
    /// An entry without a value, and the spot and kind of the one that was written.
    struct Empty {
        Entry* entry;
        Spot spot;
        Kind kind;
    };

    void fill_with_none(Entry& entry, Spot spot, Kind kind) {
        if (entry.key == kAllow || entry.key == kFrom) {
            issues_.warning(spot,
                            fmt::format("{}: a list without a value, such as a file without a "
                                        "line; no client is in it",
                                        entry.key),
                            "never-fits");
        }
        entry.values.push_back({spot, kind, std::string(kNone)});
    }

    bool append_lines(Entry& entry, const Value& value) {
        if (value.text == "@") {
            issues_.error(
                value.spot,
                fmt::format("{}: no file behind the @; write @FILE{}", as_written(entry.key, value),
                            is_list_of_prefixes(entry) ? "" : ", or \\40 for an @"));
            return false;
        }
        const std::string path = path_from(including_, std::string_view(value.text).substr(1));
        const auto text = read(path);
        if (!text) {
            issues_.error(value.spot,
                          fmt::format("{}: {}", as_written(entry.key, value), text.error().why));
            return false;
        }
        bytes_ += text->size();
        FileIssues issues = issues_.add_file(path, *text);
        const std::optional<std::string> lines = clean(*text, issues);
        if (!lines) return false;
        for_each_line(*lines, [&](std::string_view line, int number) {
            if (line.ends_with('\r')) line.remove_suffix(1);  // the last line has no LF
            const std::string_view content = trim(line);
            if (content.empty() || content.front() == '#') return;
            if (content.front() == '@') {
                issues.error(
                    number, fmt::format("{}: a list in a list{}", shown(content),
                                        is_list_of_prefixes(entry) ? "" : "; write \\40 for an @"));
                return;
            }
            entry.values.push_back({issues.at(number), value.kind, std::string(content), true});
        });
        return true;
    }

    core::Result<std::string, Unreadable> read(const std::string& path) const {
        if (!files_.read) return Unreadable{"no file can be read here"};
        if (issues_.files().size() >= kMostFiles) {
            return Unreadable{
                fmt::format("more than {0} files; at most {0} are possible", kMostFiles)};
        }
        auto text = files_.read(path);
        if (text && text->size() > kLargestWhole - std::min(bytes_, kLargestWhole)) {
            return Unreadable{fmt::format(
                "the configuration has more than {0} bytes with it; at most {0} are possible",
                kLargestWhole)};
        }
        return text;
    }

    const std::string& including_;
    std::size_t& bytes_;
    const Files& files_;
    Issues& issues_;
    std::vector<Empty> empty_;
};

}  // namespace

std::string path_from(std::string_view including, std::string_view name) {
    if (name.starts_with('/')) return std::string(name);
    while (name.starts_with("./")) {
        name.remove_prefix(std::min(name.find_first_not_of('/', 1), name.size()));
    }
    const std::string_view folder = including.substr(0, including.rfind('/') + 1);
    return fmt::format("{}{}", folder, name);
}

void expand_lists(Section& section, const std::string& including, std::size_t& bytes,
                  const Files& files, Issues& issues) {
    Expander expander(including, bytes, files, issues);
    for (Entry& entry : section.entries) {
        const bool may_name_a_file = core::split_field(entry.key) || is_list_of_prefixes(entry);
        if (may_name_a_file && !expander.expand(entry)) section.has_gap = true;
    }
    expander.fill_empty(section);
}

}  // namespace portsplit::config
