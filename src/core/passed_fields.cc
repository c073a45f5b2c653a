#include "core/passed_fields.h"

#include <algorithm>
#include <variant>

namespace portsplit::core {
namespace {

bool is_word(std::string_view text) {
    return std::ranges::find(kLogWords, text) != kLogWords.end();
}

}  // namespace

std::optional<FieldName> split_field(std::string_view name) {
    const std::size_t dot = name.find('.');
    if (dot == name.npos || dot == 0 || dot + 1 == name.size()) return std::nullopt;
    return FieldName{name.substr(0, dot), name.substr(dot + 1)};
}

std::optional<std::pair<std::string_view, std::string_view>> split_field_variable(
    std::string_view entry) {
    const std::size_t end = entry.find_first_of(" \t=");
    if (end == entry.npos || entry[end] == '=') return std::nullopt;
    const std::size_t field = std::min(entry.find_first_not_of(" \t", end), entry.size());
    return std::pair(entry.substr(0, end), entry.substr(field));
}

std::vector<std::string_view> passed_fields(const Config& config) {
    std::vector<std::string_view> fields;
    const auto add_logged = [&](const List<Text>& log) {
        for (const std::string_view text : log) {
            if (!is_word(text)) fields.push_back(text);
        }
    };
    add_logged(config.log);
    for (const Service& service : config.services) {
        add_logged(service.log);
        const auto* exec = std::get_if<Exec>(&service.action);
        if (exec == nullptr) continue;
        for (const std::string_view entry : exec->env) {
            if (const auto passed = split_field_variable(entry)) fields.push_back(passed->second);
        }
    }
    return fields;
}

LogLines log_lines(const Config& config, const Service* service) {
    for (const List<Text>* log : {service != nullptr ? &service->log : nullptr, &config.log}) {
        if (log == nullptr) continue;
        for (const std::string_view text : *log) {
            const auto word = std::ranges::find(kLogWords, text);
            if (word != kLogWords.end()) return static_cast<LogLines>(word - kLogWords.begin());
        }
    }
    return LogLines::End;
}

std::vector<std::string_view> logged_fields(const Config& config, const Service* service) {
    std::vector<std::string_view> fields;
    for (const List<Text>* log : {&config.log, service != nullptr ? &service->log : nullptr}) {
        if (log == nullptr) continue;
        for (const std::string_view text : *log) {
            const bool is_known = std::ranges::find(fields, text) != fields.end();
            if (!is_word(text) && !is_known) fields.push_back(text);
        }
    }
    return fields;
}

}  // namespace portsplit::core
