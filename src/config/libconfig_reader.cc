#include "config/libconfig_reader.h"

#include <fmt/core.h>
#include <libconfig.h>

#include <array>
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "config/libconfig_scan.h"
#include "config/wording.h"

namespace portsplit::config {
namespace {

int line_of(const config_setting_t& setting) { return static_cast<int>(setting.line); }

const char* name_of(const config_setting_t& setting) {
    return setting.name == nullptr ? "" : setting.name;
}

/// The shortest decimal digits that mean the same number, without an exponent.
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

/// From libconfig's tree to ours.
class Reader {
  public:
    explicit Reader(FileIssues issues) : issues_(issues) {}

    Document read(const config_setting_t& root) {
        document_.global.spelling = Spelling::Libconfig;
        document_.global.spot = issues_.at(1);
        for_each_element(root, [&](const config_setting_t& setting) {
            if (name_of(setting) != std::string_view("services")) {
                Entry& entry = document_.global.entries.emplace_back(entry_of(setting));
                entry.services_above = document_.services.size();
            } else if (config_setting_is_group(&setting)) {
                read_service_group(setting);
            } else if (config_setting_is_list(&setting)) {
                read_service_list(setting);
            } else {
                issues_.error(line_of(setting), "services: not a group; write services : { ... };");
            }
        });
        return std::move(document_);
    }

  private:
    /// `services` as a group of groups, each called after its service.
    void read_service_group(const config_setting_t& services) {
        for_each_element(services, [&](const config_setting_t& group) {
            if (!config_setting_is_group(&group)) {
                issues_.error(
                    line_of(group),
                    fmt::format("{0}: not a group; write {0} : {{ ... }};", name_of(group)));
                return;
            }
            Section& service = begin_service(name_of(group), group);
            for_each_element(group, [&](const config_setting_t& setting) {
                service.entries.push_back(entry_of(setting));
            });
        });
    }

    /// `services` as a list of groups, each with its service's `name`.
    void read_service_list(const config_setting_t& services) {
        for_each_element(services, [&](const config_setting_t& group) {
            const config_setting_t* name = config_setting_is_group(&group)
                                               ? config_setting_get_member(&group, "name")
                                               : nullptr;
            if (name == nullptr || config_setting_type(name) != CONFIG_TYPE_STRING) {
                issues_.error(line_of(group),
                              "services: each element of the list is a group with a name; write "
                              "{ name = \"NAME\"; ... }");
                return;
            }
            Section& service = begin_service(value_of(*name).text, *name);
            for_each_element(group, [&](const config_setting_t& setting) {
                if (&setting != name) service.entries.push_back(entry_of(setting));
            });
        });
    }

    Section& begin_service(std::string name, const config_setting_t& setting) {
        Section& service = document_.services.emplace_back();
        service.name = std::move(name);
        service.spelling = Spelling::Libconfig;
        service.spot = spot_of(setting);
        return service;
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

/// libconfig's own words are few; these say what is likely meant.
std::string explain(std::string_view error) {
    if (error == "syntax error") {
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

}  // namespace

std::optional<Document> read_libconfig(std::string_view text, FileIssues issues) {
    const std::optional<std::string> prepared = prepare_for_libconfig(text, issues);
    if (!prepared) return std::nullopt;
    config_t config;
    config_init(&config);
    const std::unique_ptr<config_t, decltype(&config_destroy)> owner(&config, &config_destroy);
    if (config_read_string(&config, prepared->c_str()) != CONFIG_TRUE) {
        issues.error(config_error_line(&config), explain(config_error_text(&config)));
        return std::nullopt;
    }
    return Reader(issues).read(*config_root_setting(&config));
}

}  // namespace portsplit::config
