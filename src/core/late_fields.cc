#include "core/late_fields.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "core/layout_examples.h"

namespace portsplit::core {
namespace {

/// How many streams are tried for one field.
constexpr std::size_t kMostStreams = 8;

class Search {
  public:
    explicit Search(const Plan& plan) : plan_(plan) {}

    std::vector<LateField> run() {
        for (std::size_t s = 0; s < plan_.config().services.size(); ++s) {
            const Service& service = plan_.service(s);
            for (std::size_t i = 0; i < service.log.size(); ++i) {
                if (const auto field = split_field(service.log[i]))
                    check({s, LateField::List::Log, i, *field, 0, {}});
            }
            if (const auto* exec = std::get_if<Exec>(&service.action)) {
                check_all(s, LateField::List::Env, exec->env);
            } else {
                const auto& connect = std::get<Connect>(service.action);
                check_all(s, LateField::List::ProxyTlv, connect.proxy_tlv);
            }
        }
        return std::move(found_);
    }

  private:
    /// @param values  each a word and a field
    void check_all(std::size_t service, LateField::List list, const List<Text>& values) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto passed = split_field_variable(values[i]);
            const auto field = passed ? split_field(passed->second) : std::nullopt;
            if (field) check({service, list, i, *field, 0, {}});
        }
    }

    void check(LateField late) {
        const auto& asked = plan_.service(late.service).layouts;
        const auto& sources = plan_.config().layouts;
        const auto source = std::ranges::find(sources, late.field.layout, &LayoutSource::name);
        const bool is_asked =
            std::ranges::find(asked, late.field.layout, &LayoutPattern::layout) != asked.end();
        if (is_asked || source == sources.end()) return;
        const LayoutPattern any{
            Text(late.field.layout), false, {{Text(late.field.field), {Text("*")}}}};
        for (std::string& stream :
             find_layout_examples(*source, any, plan_.window(), kMostStreams)) {
            const std::optional<std::size_t> bytes = chosen_after(late, stream);
            if (!bytes) continue;
            if (has_come(late.field, stream, *bytes)) return;
            if (!late.example.empty()) continue;
            late.bytes = *bytes;
            late.example = std::move(stream);
        }
        if (!late.example.empty()) found_.push_back(std::move(late));
    }

    /// Returns after how many bytes of a stream the service is chosen; none if it is not.
    std::optional<std::size_t> chosen_after(const LateField& late,
                                            const std::string& stream) const {
        Plan::Reading reading(plan_);
        for (std::size_t bytes = 0; bytes <= stream.size(); ++bytes) {
            const auto standing = plan_.ask(as_bytes(stream).first(bytes), reading);
            if (standing.answer == Answer::More) continue;
            return standing.service == late.service ? std::optional(bytes) : std::nullopt;
        }
        return std::nullopt;
    }

    bool has_come(FieldName field, const std::string& stream, std::size_t bytes) const {
        Plan::Reading reading(plan_);
        const Bytes seen = as_bytes(stream).first(bytes);
        plan_.ask(seen, reading);
        return !plan_.values_of(field.layout, field.field, seen, reading).empty();
    }

    const Plan& plan_;
    std::vector<LateField> found_;
};

}  // namespace

std::vector<LateField> find_late_fields(const Plan& plan) { return Search(plan).run(); }

}  // namespace portsplit::core
