#include "config/libconfig.h"

#include <fmt/format.h>
#include <libconfig.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/describe.h"
#include "config/key_table.h"
#include "config/libconfig_scan.h"
#include "config/spelling.h"
#include "config/wording.h"
#include "core/passed_fields.h"

namespace portsplit::config {
namespace {

constexpr std::string_view kLayouts = "layouts";
constexpr std::string_view kListeners = "listeners";

int line_of(const config_setting_t& setting) { return static_cast<int>(setting.line); }

const char* name_of(const config_setting_t& setting) {
    return setting.name == nullptr ? "" : setting.name;
}

/// Returns the shortest decimal digits that are read as the same number, without an exponent.
std::string digits_of(double number) {
    std::array<char, 512> digits{};  // the longest is that of the smallest double, under 400
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number,
                                   std::chars_format::fixed);
    return {digits.data(), end.ptr};
}

template <typename Take>
void for_each_element(const config_setting_t& aggregate, Take take) {
    const auto length = static_cast<unsigned>(config_setting_length(&aggregate));
    for (unsigned i = 0; i < length; ++i) take(*config_setting_get_elem(&aggregate, i));
}

/// Copies libconfig's tree to a Document.
class Reader {
  public:
    explicit Reader(FileIssues issues) : issues_(issues) {}

    Document read(const config_setting_t& root) {
        document_.global.spelling = Spelling::Libconfig;
        document_.global.spot = issues_.at(1);
        for_each_element(root, [&](const config_setting_t& setting) {
            const std::string_view name = name_of(setting);
            if (name == kLayouts) {
                read_sections(setting, document_.layouts);
            } else if (name == kLayout && config_setting_is_group(&setting)) {
                issues_.error(
                    line_of(setting),
                    "layout: a group of layouts is called layouts; write layouts : { ... };");
                read_sections(setting, document_.layouts);
            } else if (name == kListeners) {
                read_sections(setting, document_.listeners);
            } else if (name == kServices) {
                read_sections(setting, document_.services);
            } else {
                Entry& entry = document_.global.entries.emplace_back(entry_of(setting));
                entry.services_above = document_.services.size();
            }
        });
        return std::move(document_);
    }

  private:
    /// Reads a group, or a list of groups.
    void read_sections(const config_setting_t& setting, std::vector<Section>& sections) {
        if (config_setting_is_group(&setting)) {
            read_group(setting, sections);
        } else if (config_setting_is_list(&setting)) {
            read_list(setting, sections);
        } else {
            issues_.error(line_of(setting), fmt::format("{0}: not a group; write {0} : {{ ... }};",
                                                        name_of(setting)));
        }
    }

    /// Reads a group: each member is a group with the name of its section.
    void read_group(const config_setting_t& groups, std::vector<Section>& sections) {
        for_each_element(groups, [&](const config_setting_t& group) {
            if (!config_setting_is_group(&group)) {
                issues_.error(
                    line_of(group),
                    fmt::format("{0}: not a group; write {0} : {{ ... }};", name_of(group)));
                return;
            }
            Section& section = begin(sections, name_of(group), group);
            for_each_element(
                group, [&](const config_setting_t& setting) { add_entries(setting, section); });
        });
    }

    /// Reads a list: each element is a group with a member `name`.
    void read_list(const config_setting_t& groups, std::vector<Section>& sections) {
        for_each_element(groups, [&](const config_setting_t& group) {
            const config_setting_t* name = config_setting_is_group(&group)
                                               ? config_setting_get_member(&group, "name")
                                               : nullptr;
            if (name == nullptr || config_setting_type(name) != CONFIG_TYPE_STRING) {
                issues_.error(line_of(group),
                              fmt::format("{}: each element of the list is a group with a name; "
                                          "write {{ name = \"NAME\"; ... }}",
                                          name_of(groups)));
                return;
            }
            Section& section = begin(sections, value_of(*name).text, *name);
            for_each_element(group, [&](const config_setting_t& setting) {
                if (&setting != name) add_entries(setting, section);
            });
        });
    }

    Section& begin(std::vector<Section>& sections, std::string name,
                   const config_setting_t& setting) {
        Section& section = sections.emplace_back();
        section.name = std::move(name);
        section.spelling = Spelling::Libconfig;
        section.spot = spot_of(setting);
        return section;
    }

    /// Adds an entry. A group in a section, other than a key, is a layout: each member is an entry
    /// `LAYOUT.FIELD`.
    void add_entries(const config_setting_t& setting, Section& section) {
        const std::string_view name = name_of(setting);
        if (!config_setting_is_group(&setting) || find_key(name) != nullptr) {
            section.entries.push_back(entry_of(setting));
            return;
        }
        for_each_element(setting, [&](const config_setting_t& member) {
            Entry entry = entry_of(member);
            entry.key = fmt::format("{}.{}", name, entry.key);
            section.entries.push_back(std::move(entry));
        });
    }

    Entry entry_of(const config_setting_t& setting) const {
        Entry entry{name_of(setting), spot_of(setting), false, {}};
        if (config_setting_is_list(&setting) || config_setting_is_array(&setting)) {
            entry.is_list = true;
            for_each_element(setting, [&](const config_setting_t& element) {
                entry.values.push_back(value_of(element));
            });
        } else {
            entry.values.push_back(value_of(setting));
        }
        return entry;
    }

    Value value_of(const config_setting_t& setting) const {
        const Spot spot = spot_of(setting);
        switch (config_setting_type(&setting)) {
            case CONFIG_TYPE_STRING: {
                const char* text = config_setting_get_string(&setting);
                return {spot, Kind::String, text == nullptr ? "" : text};
            }
            case CONFIG_TYPE_INT:
            case CONFIG_TYPE_INT64:
                return {spot, Kind::Integer, std::to_string(config_setting_get_int64(&setting))};
            case CONFIG_TYPE_FLOAT:
                return {spot, Kind::Float, digits_of(config_setting_get_float(&setting))};
            case CONFIG_TYPE_BOOL:
                return {spot, Kind::Boolean,
                        config_setting_get_bool(&setting) == CONFIG_TRUE ? "true" : "false"};
            case CONFIG_TYPE_GROUP:
                return {spot, Kind::Group, "{ }"};
            default:
                return {spot, Kind::List, "( )"};
        }
    }

    Spot spot_of(const config_setting_t& setting) const { return issues_.at(line_of(setting)); }

    FileIssues issues_;
    Document document_;
};

/// Returns the text of a line, counted from 1.
std::string_view line_at(std::string_view text, int wanted) {
    std::string_view found;
    for_each_line(text, [&](std::string_view line, int number) {
        if (number == wanted) found = line;
    });
    return found;
}

/// Returns the key `LAYOUT.FIELD` on a line, which the classic spelling has; none if there is no such key.
std::optional<core::FieldName> dotted_key(std::string_view line) {
    constexpr std::string_view kOfKeys = "abcdefghijklmnopqrstuvwxyz0123456789-.";
    bool is_in_quotes = false;
    for (std::size_t at = 0; at < line.size();) {
        const std::size_t size =
            is_in_quotes ? 0 : std::min(line.find_first_not_of(kOfKeys, at), line.size()) - at;
        const std::string_view word = line.substr(at, size);
        const std::size_t next = line.find_first_not_of(" \t", at + size);
        const bool is_key = next != line.npos && (line[next] == '=' || line[next] == ':');
        const auto field = is_key ? core::split_field(word) : std::nullopt;
        const bool is_name = field && field->layout.front() >= 'a' && field->field.front() >= 'a' &&
                             field->field.find('.') == field->field.npos;
        if (is_name) return field;  // not an address
        if (line[at] == '"') is_in_quotes = !is_in_quotes;
        at += std::max<std::size_t>(size, 1);
    }
    return std::nullopt;
}

/// Returns the message for an error of libconfig. It tells the user what to write instead.
/// @param line  the text of the line of the error
std::string explain(std::string_view error, std::string_view line) {
    if (error == "syntax error") {
        if (const auto field = dotted_key(line)) {
            return fmt::format(
                "{}.{}: a key with a dot is of the classic spelling; here, write {}", field->layout,
                field->field, condition(field->layout, field->field, "VALUE", Spelling::Libconfig));
        }
        return "libconfig cannot read on, here or just before; write key = value; with strings in "
               "double quotes, lists as [ \"a\", \"b\" ] and groups as name : { ... };";
    }
    if (error == "duplicate setting name") {
        return "a key or service that its group has already; write several values as a list: "
               "[ \"a\", \"b\" ]";
    }
    if (error == "mismatched element type in array") {
        return "values of different types in one [ ]; write all of them in double quotes";
    }
    return fmt::format("libconfig: {}", shown(error));
}

/// In characters. A longer list is written with one value on a line.
constexpr std::size_t kLongestLine = 100;

/// In services. More are written as a list, which libconfig reads in linear time (libconfig_scan.h).
constexpr std::size_t kLargestGroup = 500;

std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (c == '\n') {
            out += "\\n";
        } else if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string libconfig_value(const Entry& entry, std::size_t indent) {
    std::vector<std::string> values;
    std::size_t width = indent + entry.key.size();
    for (const Value& value : entry.values) {
        values.push_back(value.kind == Kind::String ? in_quotes(value.text) : value.text);
        width += values.back().size() + 2;
    }
    if (!entry.is_list) return values.front();
    if (width < kLongestLine) return fmt::format("[ {} ]", fmt::join(values, ", "));
    const std::string margin(indent, ' ');
    return fmt::format("[\n{0}    {1}\n{0}]", margin, fmt::join(values, ",\n    " + margin));
}

/// Writes entries. Those of one layout, which stand side by side, are a group.
void append_libconfig(const Section& section, std::size_t indent, std::size_t key_width,
                      std::string& out) {
    std::string_view group;
    for (const Entry& entry : section.entries) {
        const auto name = core::split_field(entry.key);
        const std::string_view layout = name ? name->layout : std::string_view();
        if (!group.empty() && layout != group) out += fmt::format("{:{}}}};\n", "", indent);
        if (name && layout != group) out += fmt::format("{:{}}{} : {{\n", "", indent, layout);
        group = layout;
        const std::size_t margin = name ? indent + 4 : indent;
        out += fmt::format("{:{}}{:<{}} = {};\n", "", margin, name ? name->field : entry.key,
                           name ? name->field.size() : key_width, libconfig_value(entry, margin));
    }
    if (!group.empty()) out += fmt::format("{:{}}}};\n", "", indent);
}

/// Returns true if libconfig reads this as the name of a group; `true` and `false` are values to it.
bool is_libconfig_name(std::string_view name) {
    constexpr std::string_view kFirst = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*";
    constexpr std::string_view kLater =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*0123456789-_";
    std::string lower(name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    return !name.empty() && kFirst.find(name.front()) != kFirst.npos &&
           name.find_first_not_of(kLater) == name.npos && lower != "true" && lower != "false";
}

/// Writes sections as a group; as a list if there are too many, or one has a name that no group has.
void append_sections(std::string_view group_name, const std::vector<Section>& sections,
                     std::string& out) {
    constexpr std::string_view kName = "name";
    const bool as_group = sections.size() <= kLargestGroup &&
                          std::all_of(sections.begin(), sections.end(),
                                      [](const Section& it) { return is_libconfig_name(it.name); });
    out += fmt::format("{}{}\n", group_name, as_group ? " : {" : " = (");
    bool is_first = true;
    for (const Section& section : sections) {
        std::size_t key_width = longest_key(section);
        if (as_group) {
            out += fmt::format("{}    {} : {{\n", is_first ? "" : "    };\n\n", section.name);
        } else {
            key_width = std::max(key_width, kName.size());
            out += fmt::format("{}    {{\n        {:<{}} = {};\n", is_first ? "" : "    },\n",
                               kName, key_width, in_quotes(section.name));
        }
        is_first = false;
        append_libconfig(section, 8, key_width, out);
    }
    if (!sections.empty()) out += as_group ? "    };\n" : "    }\n";
    out += as_group ? "};\n" : ");\n";
}

}  // namespace

std::optional<Document> read_libconfig(std::string_view text, FileIssues issues) {
    const std::optional<std::string> prepared = prepare_for_libconfig(text, issues);
    if (!prepared) return std::nullopt;
    config_t config;
    config_init(&config);
    const std::unique_ptr<config_t, decltype(&config_destroy)> owner(&config, &config_destroy);
    if (config_read_string(&config, prepared->c_str()) != CONFIG_TRUE) {
        const int number = config_error_line(&config);
        issues.error(number, explain(config_error_text(&config), line_at(text, number)));
        return std::nullopt;
    }
    return Reader(issues).read(*config_root_setting(&config));
}

std::string write_libconfig(const core::Config& config) {
    const Document document = describe(config);
    std::string out;
    append_libconfig(document.global, 0, longest_key(document.global), out);
    if (!out.empty()) out += '\n';
    for (const auto& [name, sections] :
         {std::pair(kListeners, &document.listeners), std::pair(kLayouts, &document.layouts)}) {
        if (sections->empty()) continue;
        append_sections(name, *sections, out);
        out += '\n';
    }
    append_sections(kServices, document.services, out);
    return out;
}

}  // namespace portsplit::config
