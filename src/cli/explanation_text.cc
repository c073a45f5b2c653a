#include "cli/explanation_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/escape.h"
#include "config/key_table.h"
#include "config/value.h"
#include "config/wording.h"

namespace portsplit::cli {
namespace {

constexpr std::size_t kShownBytes = 32;
constexpr std::size_t kShownPattern = 60;
constexpr std::size_t kShownRule = 30;

std::string reason_of(const Decision& decision) {
    if (!decision.verdict) return "undecided";
    return std::string(core::to_string(decision.verdict->reason));
}

bool has_open_header(const Decision& decision) {
    return decision.introduction && !decision.introduction->is_complete();
}

/// Returns after how many first bytes the decision is certain, without those of a complete PROXY header.
std::size_t bytes_needed(const Decision& decision) {
    if (has_open_header(decision)) return decision.introduction->header->size();
    return core::bytes_needed(decision.plan, decision.seen, decision.entrance);
}

std::string_view key_of(core::PatternKind kind) {
    const auto keys = config::keys();
    const auto found = std::find_if(keys.begin(), keys.end(), [&](const config::Key& key) {
        return key.takes.field == config::Field(kind);
    });
    return found->name;
}

struct Action {
    std::string_view word;
    std::string target;
};

/// Returns nothing while the connection is undecided, and when it is closed.
std::optional<Action> action_of(const Decision& decision) {
    if (!decision.verdict || !decision.verdict->service) return std::nullopt;
    const core::Service& service = decision.plan.service(*decision.verdict->service);
    if (const auto* connect = std::get_if<core::Connect>(&service.action)) {
        return Action{"connect", core::to_string(connect->targets.front())};
    }
    return Action{"exec", std::string(std::get<core::Exec>(service.action).program)};
}

std::string in_hex(core::Bytes bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<int>(byte));
    }
    return text;
}

std::string in_text(core::Bytes bytes) {
    std::string text;
    for (const std::byte byte : bytes) text += std::to_integer<char>(byte);
    return config::escape(text);
}

std::string cut(std::string text) {
    if (text.size() > kShownPattern) text = text.substr(0, kShownPattern) + "...";
    return text;
}

/// Returns `at byte 4`, or `at once` for an answer that is certain before the first byte.
std::string place(const core::Certainty& certainty) {
    if (certainty.answer == core::Answer::More) return fmt::format("after {}", certainty.bytes);
    return certainty.bytes == 0 ? "at once" : fmt::format("at byte {}", certainty.bytes);
}

class Painter {
  public:
    explicit Painter(Colour colour) : colour_(colour) {}

    std::string paint(core::Answer answer, const std::string& text) const {
        const char* code = answer == core::Answer::Match  ? "32;1"
                           : answer == core::Answer::More ? "33"
                                                          : "2";
        return painted(text, code, colour_);
    }

  private:
    Colour colour_;
};

std::string line_of(const core::Service& service, const core::Certainty& certainty,
                    std::size_t width, const Painter& painter) {
    return painter.paint(certainty.answer,
                         fmt::format("{:<{}}  {:<7}  {}", service.name, width,
                                     core::to_string(certainty.answer), place(certainty))) +
           "\n";
}

std::string line_of(const core::PatternSource& pattern, const core::Certainty& certainty,
                    std::size_t width, const Painter& painter) {
    const std::string text =
        fmt::format("{} \"{}\"", key_of(pattern.kind), cut(config::print_pattern(pattern)));
    return painter.paint(certainty.answer,
                         fmt::format("{:<{}}  {:<7}  {:<12}  {}", "", width,
                                     core::to_string(certainty.answer), place(certainty), text)) +
           "\n";
}

/// Returns what a service asks of a layout: `tls.sni = a, b; tls.alpn = h2`.
std::string text_of(const core::LayoutPattern& pattern) {
    std::string text;
    if (pattern.whole) text = fmt::format("{} = {}", config::kLayout, pattern.layout);
    for (const core::FieldCondition& condition : pattern.conditions) {
        text += fmt::format("{}{}.{} = {}", text.empty() ? "" : "; ", pattern.layout,
                            condition.field, fmt::join(condition.values, ", "));
    }
    return text;
}

std::string line_of(const core::LayoutPattern& pattern, const core::Certainty& certainty,
                    std::size_t width, const Painter& painter) {
    return painter.paint(certainty.answer, fmt::format("{:<{}}  {:<7}  {:<12}  {}", "", width,
                                                       core::to_string(certainty.answer),
                                                       place(certainty), cut(text_of(pattern)))) +
           "\n";
}

/// Returns which part of its rule a stream does not fit.
std::string why_failed(const core::LayoutExplanation& layout) {
    const core::LayoutRun::Failure& failure = layout.failure;
    if (failure.number) {
        const auto [least, most] = failure.range;
        const bool is_in_range = *failure.number >= least && *failure.number <= most;
        return is_in_range ? fmt::format("a length of {} does not fit here", *failure.number)
                           : fmt::format("{} is not in {}-{}", *failure.number, least, most);
    }
    if (failure.is_left_over) return "bytes are left in its braces";
    const std::string_view rest = layout.rule_text.substr(failure.place);
    return fmt::format("expected \"{}\"{}", config::shown(rest.substr(0, kShownRule)),
                       rest.size() > kShownRule ? "..." : "");
}

/// Returns a line for each field that came, and one for how far the layout was read.
std::string lines_of(const core::LayoutExplanation& layout) {
    std::string text;
    for (const auto& field : layout.fields) {
        for (const core::FieldValue& value : field.values) {
            const std::string place = value.begin == value.end
                                          ? fmt::format("empty, at byte {}", value.begin + 1)
                                          : fmt::format("bytes {}-{}", value.begin + 1, value.end);
            text += fmt::format("{}.{} \"{}\" {}, certain at {}\n", layout.name, field.name,
                                config::shown(config::escape(value.text)), place, value.certain);
        }
    }
    switch (layout.state) {
        case core::LayoutRun::State::Failed:
            return text + fmt::format("{} does not fit: rule {} at byte {}, {}\n", layout.name,
                                      layout.rule, layout.certain, why_failed(layout));
        case core::LayoutRun::State::Fits:
            return text + fmt::format("{} fits at byte {}\n", layout.name, layout.certain);
        default:
            return text + fmt::format("{} needs more bytes\n", layout.name);
    }
}

nlohmann::json json_of(const core::Certainty& certainty) {
    return {{"answer", core::to_string(certainty.answer)}, {"bytes", certainty.bytes}};
}

nlohmann::ordered_json json_of(const core::LayoutExplanation& layout) {
    nlohmann::ordered_json json;
    json["answer"] = layout.state == core::LayoutRun::State::Fits     ? "match"
                     : layout.state == core::LayoutRun::State::Failed ? "no"
                                                                      : "more";
    json["bytes"] = layout.certain;
    if (layout.state == core::LayoutRun::State::Failed) {
        json["rule"] = layout.rule;
        json["place"] = layout.failure.place + 1;
        if (layout.failure.number) {
            json["number"] = *layout.failure.number;
            json["least"] = layout.failure.range.least;
            json["most"] = layout.failure.range.most;
        }
    }
    json["fields"] = nlohmann::ordered_json::object();
    for (const auto& field : layout.fields) {
        for (const core::FieldValue& value : field.values) {
            json["fields"][std::string(field.name)].push_back({{"value", value.text},
                                                               {"begin", value.begin},
                                                               {"end", value.end},
                                                               {"certain", value.certain}});
        }
    }
    return json;
}

nlohmann::ordered_json json_of(const Introduction& introduction) {
    nlohmann::ordered_json json;
    json["bytes"] = introduction.header->size();
    if (introduction.fault != core::ProxyFault::None) {
        json["fault"] = core::to_string(introduction.fault);
    }
    if (!introduction.is_complete()) return json;
    const core::ProxyEnds& said = introduction.header->ends();
    const NamedEnds ends = named_ends(said);
    json["local"] = said.kind == core::ProxyEnds::Kind::Local;
    if (!ends.client.empty()) json["client"] = ends.client;
    if (!ends.server.empty()) json["server"] = ends.server;
    return json;
}

/// A name or an expression may hold bytes that are not UTF-8; JSON must be (RFC 8259 8.1).
/// Returns true for a captured connection whose client a PROXY header names.
bool is_behind_balancer(const Decision& decision) {
    return decision.stream != nullptr && logged_ends(decision.introduction).has_value();
}

/// Returns the ends of a captured connection as the log would have them.
LoggedEnds ends_of(const Decision& decision) {
    const Stream& stream = *decision.stream;
    return logged_ends(decision.introduction)
        .value_or(LoggedEnds{std::string(stream.client.host), stream.client.port,
                             std::string(stream.server.host), stream.server.port});
}

std::string text_of(const nlohmann::ordered_json& json) {
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Decision decide(const core::Plan& plan, core::Bytes bytes, core::Ending ending,
                const core::Entrance& entrance, const Stream* stream) {
    Introduction introduction = introduced(plan, entrance, bytes, ending);
    Decision decision{plan, introduction.stream, std::nullopt, introduction.entrance, stream};
    if (introduction.is_complete()) {
        core::Plan::Reading reading(plan, decision.entrance);
        decision.verdict = core::decide(plan, decision.seen, ending, reading);
    } else {
        decision.verdict = introduction.verdict(ending);
    }
    if (introduction.header) decision.introduction = std::move(introduction);
    return decision;
}

std::string name_of(const Decision& decision) {
    if (!decision.verdict || !decision.verdict->service) return "-";
    return std::string(decision.plan.service(*decision.verdict->service).name);
}

std::vector<core::LayoutExplanation> layouts_of(const Decision& decision,
                                                const core::Explainer& explainer) {
    std::set<std::string_view> asked;
    const auto& services = decision.plan.config().services;
    for (std::size_t s = 0; s < services.size(); ++s) {
        if (services[s].layouts.empty() || !decision.plan.asks(decision.entrance, s)) continue;
        for (const core::LayoutPattern& pattern : services[s].layouts) {
            asked.insert(pattern.layout);
        }
    }
    auto layouts = explainer.explain_layouts(decision.seen);
    std::erase_if(layouts, [&](const auto& layout) { return !asked.contains(layout.name); });
    return layouts;
}

std::string summary(const Decision& decision) {
    std::string line;
    if (decision.stream != nullptr) {
        const LoggedEnds ends = ends_of(decision);
        line = fmt::format("src={} sport={} dst={} dport={} ", ends.src, ends.sport, ends.dst,
                           ends.dport);
        if (is_behind_balancer(decision)) {
            line += fmt::format("balancer={} ", decision.stream->client.host);
        }
    }
    const std::size_t bytes = bytes_needed(decision);
    line = fmt::format("service={} reason={} {}bytes={}", name_of(decision), reason_of(decision),
                       line, bytes);
    const auto action = action_of(decision);
    if (!action) return line;
    return fmt::format("{} action={} target={}", line, action->word, action->target);
}

std::string explanation_text(const Decision& decision, const core::Explainer& explainer,
                             Colour colour) {
    const Painter painter(colour);
    const auto& services = decision.plan.config().services;
    std::size_t width = 0;
    for (const core::Service& service : services) {
        if (service.has_patterns()) width = std::max(width, service.name.size());
    }

    std::string text;
    if (decision.introduction) text += header_text(*decision.introduction);
    const core::Bytes shown = decision.seen.first(std::min(decision.seen.size(), kShownBytes));
    const char* rest = shown.size() < decision.seen.size() ? " ..." : "";
    text += fmt::format("bytes seen: {}\n", decision.seen.size());
    if (!shown.empty()) {
        text += fmt::format("    {}{}\n    {}{}\n", in_hex(shown), rest, in_text(shown), rest);
    }
    if (has_open_header(decision)) return text;
    const std::vector<core::ServiceExplanation> explanations = explainer.explain(decision.seen);
    for (std::size_t s = 0; s < services.size(); ++s) {
        if (!services[s].has_patterns()) continue;
        if (!decision.plan.asks(decision.entrance, s)) {
            text += painter.paint(core::Answer::No,
                                  fmt::format("{:<{}}  not asked here", services[s].name, width)) +
                    "\n";
            continue;
        }
        text += line_of(services[s], explanations[s].service, width, painter);
        for (std::size_t p = 0; p < services[s].patterns.size(); ++p) {
            text += line_of(services[s].patterns[p], explanations[s].patterns[p], width, painter);
        }
        for (std::size_t k = 0; k < services[s].layouts.size(); ++k) {
            text += line_of(services[s].layouts[k], explanations[s].layouts[k], width, painter);
        }
    }
    for (const core::LayoutExplanation& layout : layouts_of(decision, explainer)) {
        text += lines_of(layout);
    }
    return text;
}

std::string explanation_json(const Decision& decision, const core::Explainer& explainer) {
    nlohmann::ordered_json json;
    const auto action = action_of(decision);
    json["service"] = nullptr;
    if (action) json["service"] = name_of(decision);
    json["reason"] = reason_of(decision);
    json["bytes"] = bytes_needed(decision);
    json["action"] = nullptr;
    json["target"] = nullptr;
    if (action) {
        json["action"] = action->word;
        json["target"] = action->target;
    }
    json["seen"] = decision.seen.size();
    if (decision.stream != nullptr) {
        const LoggedEnds ends = ends_of(decision);
        json["src"] = ends.src;
        json["sport"] = ends.sport;
        json["dst"] = ends.dst;
        json["dport"] = ends.dport;
        if (is_behind_balancer(decision)) json["balancer"] = decision.stream->client.host;
    }
    if (decision.introduction) json["proxy"] = json_of(*decision.introduction);
    const auto explanations = explainer.explain(decision.seen);
    const auto& services = decision.plan.config().services;
    json["services"] = nlohmann::ordered_json::array();
    if (has_open_header(decision)) return text_of(json);
    for (std::size_t s = 0; s < services.size(); ++s) {
        if (!services[s].has_patterns()) continue;
        const bool is_asked = decision.plan.asks(decision.entrance, s);
        nlohmann::ordered_json service =
            json_of(is_asked ? explanations[s].service : core::Certainty());
        service["name"] = services[s].name;
        if (!is_asked) service["asked"] = false;
        service["patterns"] = nlohmann::ordered_json::array();
        for (std::size_t p = 0; p < services[s].patterns.size(); ++p) {
            nlohmann::ordered_json pattern = json_of(explanations[s].patterns[p]);
            pattern[std::string(key_of(services[s].patterns[p].kind))] =
                config::print_pattern(services[s].patterns[p]);
            service["patterns"].push_back(std::move(pattern));
        }
        for (std::size_t k = 0; k < services[s].layouts.size(); ++k) {
            nlohmann::ordered_json pattern = json_of(explanations[s].layouts[k]);
            pattern["layout"] = services[s].layouts[k].layout;
            for (const core::FieldCondition& condition : services[s].layouts[k].conditions) {
                pattern["fields"][std::string(condition.field)] = condition.values;
            }
            service["patterns"].push_back(std::move(pattern));
        }
        json["services"].push_back(std::move(service));
    }
    for (const core::LayoutExplanation& layout : layouts_of(decision, explainer)) {
        json["layouts"][std::string(layout.name)] = json_of(layout);
    }
    return text_of(json);
}

}  // namespace portsplit::cli
