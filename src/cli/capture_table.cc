#include "cli/capture_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "config/wording.h"
#include "core/passing.h"

namespace portsplit::cli {
namespace {

constexpr std::string_view kService = "service";
constexpr const char* kNoValue = "(none)";  // no value has parentheses

std::optional<std::string> value_of(std::string_view name,
                                    const std::vector<core::LayoutExplanation>& layouts) {
    const auto field = core::split_field(name);
    const auto layout = std::ranges::find(layouts, field->layout, &core::LayoutExplanation::name);
    if (layout == layouts.end()) return std::nullopt;
    const auto found =
        std::ranges::find(layout->fields, field->field, &core::LayoutExplanation::Field::name);
    if (found == layout->fields.end()) return std::nullopt;
    return core::passed_text(found->values);
}

}  // namespace

CaptureTable::CaptureTable(const core::Config& config) {
    for (const core::Service& service : config.services) {
        for (const core::LayoutPattern& pattern : service.layouts) {
            for (const core::FieldCondition& condition : pattern.conditions) {
                const std::string name = fmt::format("{}.{}", pattern.layout, condition.field);
                const bool is_new = std::ranges::find(fields_, name, &Field::name) == fields_.end();
                if (is_new) fields_.push_back({name});
            }
        }
    }
}

std::string CaptureTable::add(const std::string& service,
                              const std::vector<core::LayoutExplanation>& layouts) {
    std::string text;
    for (Field& field : fields_) {
        const auto value = value_of(field.name, layouts);
        field.has_come |= value.has_value();
        if (value) text += fmt::format(" {}={}", field.name, *value);
        ++field.connections[{config::shown(value.value_or(kNoValue)), service}];
    }
    return text;
}

std::string CaptureTable::text() const {
    std::string text;
    for (const Field& field : fields_) {
        if (!field.has_come) continue;
        std::size_t widths[] = {field.name.size(), kService.size()};
        for (const auto& [key, count] : field.connections) {
            widths[0] = std::max(widths[0], key.first.size());
            widths[1] = std::max(widths[1], key.second.size());
        }
        const auto line = [&](std::string_view value, std::string_view service,
                              std::string_view count) {
            return fmt::format("{:<{}}  {:<{}}  {:>11}\n", value, widths[0], service, widths[1],
                               count);
        };
        text += "\n" + line(field.name, kService, "connections");
        for (const auto& [key, count] : field.connections) {
            text += line(key.first, key.second, std::to_string(count));
        }
    }
    return text;
}

}  // namespace portsplit::cli
