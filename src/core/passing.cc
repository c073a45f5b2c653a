#include "core/passing.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "core/hex.h"
#include "core/passed_fields.h"
#include "core/safe_text.h"

namespace portsplit::core {
namespace {

/// Returns the name of the variable that a program has by default for a field its service asks:
/// `PORTSPLIT_TLS_SNI`.
std::string variable_for(const LayoutPattern& pattern, const FieldCondition& condition) {
    std::string name = "PORTSPLIT_";
    name.append(pattern.layout).append("_").append(condition.field);
    for (char& c : name) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if (c == '-') c = '_';
    }
    return name;
}

/// Asks for fields of one stream.
class Fields {
  public:
    Fields(const Plan& plan, Bytes seen, Plan::Reading& reading)
        : plan_(plan), seen_(seen), reading_(reading) {}

    std::optional<std::string> find(FieldName name) {
        const FieldValues& values = plan_.values_of(name.layout, name.field, seen_, reading_);
        if (values.empty()) return std::nullopt;
        return passed_text(values);
    }

    /// Returns the first value as it came; none if it is longer than what is passed on.
    std::optional<std::string> find_bytes(FieldName name) {
        const FieldValues& values = plan_.values_of(name.layout, name.field, seen_, reading_);
        if (values.empty()) return std::nullopt;
        const std::string_view text = (*values.begin()).text;
        if (text.size() > kLongestPassed) return std::nullopt;
        return std::string(text);
    }

  private:
    const Plan& plan_;
    Bytes seen_;
    Plan::Reading& reading_;
};

std::string log_text(const Config& config, const Service* service, Fields& fields) {
    std::string text;
    for (const std::string_view field : logged_fields(config, service)) {
        const auto name = split_field(field);
        const auto value = name ? fields.find(*name) : std::nullopt;
        if (!value) continue;
        const std::size_t size = 1 + field.size() + 1 + value->size();
        if (text.size() + size > kLongestLogged) continue;
        text.append(" ").append(field).append("=").append(*value);
    }
    return text;
}

/// A variable of a program, and the field that it carries.
struct FieldVariable {
    std::string name;
    FieldName field;
};

std::vector<FieldVariable> field_variables(const Service& service) {
    std::vector<FieldVariable> variables;
    const auto* exec = std::get_if<Exec>(&service.action);
    if (exec == nullptr) return variables;
    for (const LayoutPattern& pattern : service.layouts) {
        for (const FieldCondition& condition : pattern.conditions) {
            variables.push_back(
                {variable_for(pattern, condition), {pattern.layout, condition.field}});
        }
    }
    for (const std::string_view entry : exec->env) {
        const auto passed = split_field_variable(entry);
        const auto name = passed ? split_field(passed->second) : std::nullopt;
        if (name) variables.push_back({std::string(passed->first), *name});
    }
    return variables;
}

std::vector<TlvSource> field_tlvs(const Service& service) {
    std::vector<TlvSource> sources;
    const auto* connect = std::get_if<Connect>(&service.action);
    if (connect == nullptr) return sources;
    for (const std::string_view value : connect->proxy_tlv) {
        const auto source = split_tlv(value);
        if (source && source->field) sources.push_back(*source);
    }
    return sources;
}

std::vector<Passed::Variable> variables_of(const Service& service, Fields& fields) {
    std::vector<Passed::Variable> variables;
    for (FieldVariable& variable : field_variables(service)) {
        variables.push_back({std::move(variable.name), fields.find(variable.field)});
    }
    return variables;
}

std::vector<ProxyTlv> tlvs_of(const Service& service, Fields& fields) {
    std::vector<ProxyTlv> tlvs;
    for (const TlvSource& source : field_tlvs(service)) {
        if (auto bytes = fields.find_bytes(*source.field)) {
            tlvs.push_back({source.type, *std::move(bytes)});
        }
    }
    return tlvs;
}

}  // namespace

std::string passed_text(const FieldValues& values) {
    std::string text;
    const auto append = [&](std::string_view part) {
        if (text.size() + part.size() > kLongestPassed) return false;
        text += part;
        return true;
    };
    bool is_first = true;
    for (const FieldValue& value : values) {
        if (!std::exchange(is_first, false) && !append(",")) return text;
        for (const char c : value.text) {
            if (!append(safe_text({&c, 1}))) return text;
        }
    }
    return text;
}

bool is_passed_text(std::string_view text) {
    if (text.size() > kLongestPassed) return false;
    while (!text.empty()) {
        const bool is_escape = escaped_byte(text).has_value();
        if (!is_escape && !is_safe(text.front()) && text.front() != ',') return false;
        text.remove_prefix(is_escape ? 3 : 1);
    }
    return true;
}

std::vector<std::string> variables_for_fields(const Service& service) {
    std::vector<std::string> names;
    for (FieldVariable& variable : field_variables(service)) {
        names.push_back(std::move(variable.name));
    }
    return names;
}

std::vector<std::uint8_t> tlvs_for_fields(const Service& service) {
    std::vector<std::uint8_t> types;
    for (const TlvSource& source : field_tlvs(service)) types.push_back(source.type);
    return types;
}

bool is_logged_text(std::string_view text, const Config& config, const Service* service) {
    if (text.size() > kLongestLogged) return false;
    for (const std::string_view field : logged_fields(config, service)) {
        std::string begin = " ";
        begin.append(field).append("=");
        if (!text.starts_with(begin)) continue;
        text.remove_prefix(begin.size());
        const std::size_t end = std::min(text.find(' '), text.size());
        if (!is_passed_text(text.substr(0, end))) return false;
        text.remove_prefix(end);
    }
    return text.empty();
}

std::optional<Decided> decide_and_pass(const Plan& plan, Bytes seen, Ending ending,
                                       Plan::Reading& reading) {
    const auto verdict = decide(plan, seen, ending, reading);
    if (!verdict) return std::nullopt;
    const Service* service = verdict->service ? &plan.service(*verdict->service) : nullptr;
    Fields fields(plan, seen, reading);
    Decided decided{*verdict, {log_text(plan.config(), service, fields), {}}};
    if (service != nullptr) {
        decided.passed.variables = variables_of(*service, fields);
        decided.passed.tlvs = tlvs_of(*service, fields);
    }
    return decided;
}

}  // namespace portsplit::core
