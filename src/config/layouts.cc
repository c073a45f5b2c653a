#include "config/layouts.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <set>

#include "config/key_table.h"
#include "config/wording.h"
#include "core/field_test.h"

namespace portsplit::config {
namespace {

std::string key_of(const Asked& asked) {
    return asked.field.empty() ? "layout" : fmt::format("{}.{}", asked.layout, asked.field);
}

/// Returns `did you mean sni?`, or all that there are.
std::string advice_on(std::string_view word, const std::vector<std::string_view>& known,
                      const char* what) {
    if (const auto meant = nearest(word, known)) return fmt::format("did you mean {}?", *meant);
    return fmt::format("{} are {}", what, alternatives(known));
}

/// @param written  where the field is named
std::string no_field(std::string_view written, core::FieldName name, const core::Layout& layout) {
    std::vector<std::string_view> fields;
    for (const core::Layout::Field& field : layout.fields()) fields.push_back(field.name);
    return fmt::format("{}: no field {} in layout {}; {}", written, shown(name.field), name.layout,
                       advice_on(name.field, fields, "its fields"));
}

/// Returns true if an entry of a layout is meant for the service below it, whose header is missing.
bool is_key_of_service(const Section& layout, const Entry& entry) {
    constexpr std::string_view kOfNames = "abcdefghijklmnopqrstuvwxyz0123456789-";
    if (find_key(entry.key, Place::Service) == nullptr) return false;
    return std::ranges::none_of(layout.entries, [&](const Entry& other) {
        if (other.values.empty()) return false;
        const std::string_view text = other.values.front().text;
        for (std::size_t at = text.find(entry.key); at != text.npos;
             at = text.find(entry.key, at + 1)) {
            const std::size_t end = at + entry.key.size();
            const bool begins = at == 0 || kOfNames.find(text[at - 1]) == kOfNames.npos;
            const bool ends = end == text.size() || kOfNames.find(text[end]) == kOfNames.npos;
            if (begins && ends && &other != &entry) return true;
        }
        return false;
    });
}

/// Returns the element of a list with this name, which is added if it is not there. The list stays sorted.
template <typename T>
T& named(core::List<T>& list, core::Text T::*name, std::string_view wanted) {
    const auto place = std::ranges::lower_bound(list, wanted, {}, name);
    if (place != list.end() && (*place).*name == wanted) return *place;
    T added{};
    added.*name = wanted;
    return *list.insert(place, std::move(added));
}

}  // namespace

std::optional<core::FieldName> passed_field(std::string_view key, std::string_view value) {
    if (key == kLog) return core::split_field(value);
    if (key == kProxyTlv) {
        const auto tlv = core::split_tlv(value);
        return tlv ? tlv->field : std::nullopt;
    }
    if (key != kEnv) return std::nullopt;
    const auto variable = core::split_field_variable(value);
    return variable ? core::split_field(variable->second) : std::nullopt;
}

LayoutsReader::LayoutsReader(const std::vector<Section>& sections, core::Config& config,
                             Issues& issues)
    : config_(config), issues_(issues) {
    for (const Section& section : sections) read(section);
}

void LayoutsReader::read(const Section& section) {
    const auto first = std::ranges::find(compiled_, section.name, &Compiled::name);
    if (first != compiled_.end()) {
        return issues_.error(
            section.spot,
            fmt::format("layout {} is already defined {}; keep one of the two", shown(section.name),
                        where(first->spot, section.spot, issues_.files())));
    }
    Compiled& compiled = compiled_.emplace_back(Compiled{section.name, section.spot, std::nullopt});
    if (const std::string why = core::why_no_layout_name(section.name); !why.empty()) {
        return issues_.error(section.spot, fmt::format("layout {}: {}", shown(section.name), why));
    }
    if (find_key(section.name) != nullptr) {
        return issues_.error(
            section.spot,
            fmt::format("layout {}: a key has this name; choose another", shown(section.name)));
    }
    core::LayoutSource source{core::Text(section.name), {}};
    for (const Entry& entry : section.entries) {
        const Value& value = entry.values.front();
        if (entry.is_list || (value.kind != Kind::Bare && value.kind != Kind::String)) {
            issues_.error(
                entry.spot,
                fmt::format("layout {}: {}: not a string; write the rule in double quotes",
                            section.name, shown(entry.key)));
            return;
        }
        source.rules.push_back({core::Text(entry.key), core::Text(value.text)});
    }
    std::vector<core::LayoutProblem> warnings;
    auto layout = core::Layout::compile(source, &warnings);
    const std::set<std::size_t> misplaced = report_keys_of_service(section, !layout);
    const auto is_misplaced = [&](const core::LayoutProblem& it) {
        return misplaced.contains(it.rule);
    };
    std::erase_if(warnings, is_misplaced);
    report(section, warnings, Severity::Warning);
    if (!layout) {
        std::vector<core::LayoutProblem> problems = layout.error();
        std::erase_if(problems, is_misplaced);
        return report(section, problems, Severity::Error);
    }
    compiled.layout = *std::move(layout);
    config_.layouts.push_back(std::move(source));
}

std::set<std::size_t> LayoutsReader::report_keys_of_service(const Section& layout, bool is_error) {
    std::set<std::size_t> rules;
    for (std::size_t rule = 0; rule < layout.entries.size(); ++rule) {
        const Entry& entry = layout.entries[rule];
        if (!is_key_of_service(layout, entry)) continue;
        rules.insert(rule);
        add_issue(is_error ? Severity::Error : Severity::Warning, entry.spot,
                  fmt::format("layout {}: {}: a key of a service, and no rule here uses it; {}",
                              layout.name, entry.key,
                              layout.spelling == Spelling::Classic
                                  ? "write [NAME] above it, where the service begins"
                                  : "move it into a group in services"));
    }
    return rules;
}

void LayoutsReader::report(const Section& section, const std::vector<core::LayoutProblem>& problems,
                           Severity severity) {
    for (const core::LayoutProblem& problem : problems) {
        if (section.entries.empty()) {
            issues_.error(section.spot,
                          fmt::format("layout {}: no rule; write start = and how a stream begins",
                                      section.name));
            return;
        }
        const Entry& entry = section.entries[problem.rule];
        std::string text =
            fmt::format("layout {}: {}: {}", section.name, shown(entry.key), problem.text);
        if (problem.place) text += fmt::format(" (at byte {})", *problem.place + 1);
        std::string excerpt =
            problem.place ? pointed_at(entry.values.front().text, *problem.place) : std::string();
        add_issue(severity, entry.spot, std::move(text), std::move(excerpt));
    }
}

void LayoutsReader::add_issue(Severity severity, Spot spot, std::string text, std::string excerpt) {
    if (severity == Severity::Error) {
        issues_.error(spot, std::move(text), std::move(excerpt));
    } else {
        issues_.warning(spot, std::move(text), "layout", {}, std::move(excerpt));
    }
}

void LayoutsReader::add(const std::vector<Asked>& asked, core::Service& service, Origin& origin) {
    for (const Asked& it : asked) {
        const auto known = std::ranges::find(compiled_, it.layout, &Compiled::name);
        if (known == compiled_.end()) continue;  // reported where it was looked for
        core::LayoutPattern& pattern =
            named(service.layouts, &core::LayoutPattern::layout, it.layout);
        if (it.field.empty()) {
            pattern.whole = true;
            origin.asked[{it.layout, it.field}].push_back(it.value.spot);
        } else if (known->layout) {
            add_value(it, *known->layout, pattern, std::string(service.name), origin);
        }
    }
}

void LayoutsReader::check_passed(std::string_view key, const Value& value,
                                 const std::string& service) {
    const auto name = passed_field(key, value.text);
    if (!name) return;
    const auto known = std::ranges::find(compiled_, name->layout, &Compiled::name);
    if (known == compiled_.end() || !known->layout) return;  // reported where it was looked for
    if (!known->layout->find_field(name->field)) {
        return issues_.error(value.spot, no_field(as_written(key, value), *name, *known->layout));
    }
    const bool is_asked = std::ranges::any_of(config_.services, [&](const core::Service& it) {
        return std::ranges::find(it.layouts, name->layout, &core::LayoutPattern::layout) !=
               it.layouts.end();
    });
    if (is_asked) return;
    const Spelling spelling = spelling_of(value);
    issues_.warning(
        value.spot,
        fmt::format("{}: never there: no service asks layout {}, so it is not read; write "
                    "{} in place of a pattern, or a condition such as {}, in a service",
                    as_written(key, value), name->layout, whole_layout(name->layout, spelling),
                    condition(name->layout, name->field, "*", spelling)),
        "not-read", service);
}

void LayoutsReader::add_value(const Asked& asked, const core::Layout& layout,
                              core::LayoutPattern& pattern, const std::string& service,
                              Origin& origin) {
    const auto index = layout.find_field(asked.field);
    if (!index) {
        return issues_.error(asked.value.spot,
                             no_field(key_of(asked), {asked.layout, asked.field}, layout));
    }
    const core::Layout::Field& field = layout.fields()[*index];
    const auto test = core::parse_field_test(asked.value.text, field);
    if (!test) {
        return issues_.error(
            asked.value.spot,
            fmt::format("{}: {} (at byte {})", as_written(key_of(asked), asked.value),
                        test.error().text, test.error().place + 1),
            pointed_at(asked.value.text, test.error().place));
    }
    const std::string never = core::why_never(*test, field);
    const std::string why = never.empty() ? core::why_hardly_ever(*test, field) : never;
    if (!why.empty() && !asked.is_suspicious) {
        issues_.warning(asked.value.spot,
                        fmt::format("service {}: {} {} fits: {}", shown(service),
                                    as_written(key_of(asked), asked.value),
                                    never.empty() ? "hardly ever" : "never", why),
                        "never-fits", service);
    }
    named(pattern.conditions, &core::FieldCondition::field, asked.field)
        .values.emplace_back(asked.value.text);
    origin.asked[{asked.layout, asked.field}].push_back(asked.value.spot);
}

}  // namespace portsplit::config
