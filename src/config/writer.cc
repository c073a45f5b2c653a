#include "config/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "config/describe.h"
#include "config/option_table.h"
#include "config/source.h"

namespace portsplit::config {
namespace {

/// Longer lists are written one value a line.
constexpr std::size_t kLongestLine = 100;

/// libconfig compares the name of each service in a group with those of all before it: 10,000 take
/// it a second.
constexpr std::size_t kLargestGroup = 500;

std::size_t longest_key(const Section& section) {
    std::size_t longest = 0;
    for (const Entry& entry : section.entries) longest = std::max(longest, entry.key.size());
    return longest;
}

/// Why a value cannot stand on a line of the classic spelling; empty if it can.
std::string why_no_line(std::string_view text) {
    if (text.find_first_of("\n\r") != text.npos) {
        return "a line end, which the classic spelling cannot say; use libconfig's";
    }
    if (trim(text) != text) {
        return "a blank at an end, which the classic spelling cannot say; use libconfig's";
    }
    return {};
}

/// Blanks at the ends of a pattern as escapes, for a line drops them.
std::string with_ends_escaped(std::string_view pattern) {
    std::string text(pattern);
    if (text.ends_with(' ')) text.replace(text.size() - 1, 1, "\\20");
    if (text.starts_with(' ')) text.replace(0, 1, "\\20");
    return text;
}

std::optional<Unsayable> append_classic(const Section& section, std::string& out) {
    for (const Entry& entry : section.entries) {
        const bool has_escapes = find_option(entry.key)->type == Type::Bytes;
        for (const Value& value : entry.values) {
            const std::string text = has_escapes ? with_ends_escaped(value.text) : value.text;
            if (std::string why = why_no_line(text); !why.empty()) {
                return Unsayable{section.name, entry.key, std::move(why)};
            }
            const char* blank = text.empty() ? "" : " ";
            out += fmt::format("{:<{}} ={}{}\n", entry.key, longest_key(section), blank, text);
        }
    }
    return std::nullopt;
}

std::string quoted(std::string_view text) {
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
        values.push_back(value.kind == Kind::String ? quoted(value.text) : value.text);
        width += values.back().size() + 2;
    }
    if (!entry.is_list) return values.front();
    if (width < kLongestLine) return fmt::format("[ {} ]", fmt::join(values, ", "));
    const std::string margin(indent, ' ');
    return fmt::format("[\n{0}    {1}\n{0}]", margin, fmt::join(values, ",\n    " + margin));
}

void append_libconfig(const Section& section, std::size_t indent, std::size_t key_width,
                      std::string& out) {
    for (const Entry& entry : section.entries) {
        out += fmt::format("{:{}}{:<{}} = {};\n", "", indent, entry.key, key_width,
                           libconfig_value(entry, indent));
    }
}

/// Whether libconfig can take it for the name of a group. Its scanner knows `true` and `false`, in
/// any case, as values.
bool is_libconfig_name(std::string_view name) {
    constexpr std::string_view kFirst = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*";
    constexpr std::string_view kLater =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*0123456789-_";
    std::string lower(name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    return !name.empty() && kFirst.find(name.front()) != kFirst.npos &&
           name.find_first_not_of(kLater) == name.npos && lower != "true" && lower != "false";
}

/// `services` as a group, or as a list where a name is none that libconfig allows, or there are
/// very many.
void append_services(const std::vector<Section>& services, std::string& out) {
    constexpr std::string_view kName = "name";
    const bool as_group = services.size() <= kLargestGroup &&
                          std::all_of(services.begin(), services.end(), [](const Section& service) {
                              return is_libconfig_name(service.name);
                          });
    out += as_group ? "services : {\n" : "services = (\n";
    bool is_first = true;
    for (const Section& service : services) {
        std::size_t key_width = longest_key(service);
        if (as_group) {
            out += fmt::format("{}    {} : {{\n", is_first ? "" : "    };\n\n", service.name);
        } else {
            key_width = std::max(key_width, kName.size());
            out += fmt::format("{}    {{\n        {:<{}} = {};\n", is_first ? "" : "    },\n",
                               kName, key_width, quoted(service.name));
        }
        is_first = false;
        append_libconfig(service, 8, key_width, out);
    }
    if (!services.empty()) out += as_group ? "    };\n" : "    }\n";
    out += as_group ? "};\n" : ");\n";
}

}  // namespace

std::string to_string(const Unsayable& unsayable) {
    const std::string service =
        unsayable.service.empty() ? "" : fmt::format("service {}: ", unsayable.service);
    return fmt::format("{}{}: {}", service, unsayable.key, unsayable.why);
}

core::Result<std::string, Unsayable> write_classic(const core::Config& config) {
    const Document document = describe(config);
    std::string out;
    if (auto unsayable = append_classic(document.global, out)) return *std::move(unsayable);
    for (const Section& service : document.services) {
        out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", service.name);
        if (auto unsayable = append_classic(service, out)) return *std::move(unsayable);
    }
    return out;
}

std::string write_libconfig(const core::Config& config) {
    const Document document = describe(config);
    std::string out;
    append_libconfig(document.global, 0, longest_key(document.global), out);
    if (!out.empty()) out += '\n';
    append_services(document.services, out);
    return out;
}

}  // namespace portsplit::config
