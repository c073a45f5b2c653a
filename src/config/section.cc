#include "config/section.h"

#include <fmt/core.h>

#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/spelling.h"
#include "config/value.h"
#include "config/wording.h"
#include "core/pattern.h"

namespace portsplit::config {
namespace {

std::vector<std::string_view> keys_of(Place place) {
    std::vector<std::string_view> keys;
    for (const Option& option : options()) {
        if (stands_in(option, place)) keys.push_back(option.key);
    }
    return keys;
}

class SectionReader {
  public:
    SectionReader(const Section& section, Place place, Draft& draft, Issues& issues)
        : section_(section),
          place_(place),
          draft_(draft),
          issues_(issues),
          given_(options().size()),
          origin_(section.spot) {}

    Origin read() {
        for (const Entry& entry : section_.entries) sort(entry);
        // In the order of the table, so that a model does not depend on how keys were mixed.
        for (std::size_t i = 0; i < given_.size(); ++i) {
            for (const Value* value : given_[i]) take(options()[i], *value);
        }
        return std::move(origin_);
    }

  private:
    /// Finds the option of an entry and keeps its values for it.
    void sort(const Entry& entry) {
        const Option* option = find_option(entry.key);
        if (option == nullptr) return report_unknown(entry);
        if (!stands_in(*option, place_)) return report_misplaced(entry);
        auto& values = given_[static_cast<std::size_t>(option - options().data())];
        if (!option->repeatable && entry.is_list) {
            issues_.error(entry.spot, fmt::format("{}: a list; write one value", entry.key));
            return;
        }
        for (const Value& value : entry.values) {
            if (!option->repeatable && !values.empty()) {
                issues_.error(value.spot, fmt::format("{}: set {} already; keep one of the two",
                                                      as_written(entry.key, value),
                                                      where(values.front()->spot, value.spot)));
                return;
            }
            values.push_back(&value);
        }
    }

    void report_unknown(const Entry& entry) {
        const auto keys = keys_of(place_);
        const bool is_group = !entry.values.empty() && entry.values.front().kind == Kind::Group;
        const auto meant = nearest(entry.key, keys);
        std::string advice;
        if (is_group) {
            advice = meant ? "" : "a service stands inside services : { ... };";
            if (nearest(entry.key, {"services"})) advice = "did you mean services?";
        }
        if (advice.empty() && meant) advice = fmt::format("did you mean {}?", *meant);
        if (advice.empty()) {
            advice = fmt::format("{} are {}",
                                 place_ == Place::Global ? "global keys" : "the keys of a service",
                                 alternatives(keys));
        }
        issues_.error(entry.spot, fmt::format("unknown key {}; {}", shown(entry.key), advice));
    }

    void report_misplaced(const Entry& entry) {
        const bool classic = !entry.values.empty() && entry.values.front().kind == Kind::Bare;
        const char* advice = "";
        if (place_ == Place::Service) {
            advice = classic ? "a global key; move it above the first [service]"
                             : "a global key; move it out of services";
        } else {
            advice = classic ? "a key of a service; move it below a [service]"
                             : "a key of a service; move it into a group in services";
        }
        issues_.error(entry.spot, fmt::format("{}: {}", entry.key, advice));
    }

    void take(const Option& option, const Value& value) {
        origin_.add(option.key, value.spot);
        std::visit([&](auto field) { store(option, value, field); }, option.field);
    }

    template <typename Owner, typename T>
    void store(const Option& option, const Value& value, T Owner::*field) {
        if (auto readable = read_value<T>(option, value)) {
            owner<Owner>().*field = *std::move(readable);
        }
    }

    /// What cannot be read leaves an empty element, so that each still has its line.
    template <typename Owner, typename T>
    void store(const Option& option, const Value& value, std::vector<T> Owner::*field) {
        (owner<Owner>().*field).push_back(read_value<T>(option, value).value_or(T{}));
    }

    void store(const Option& option, const Value& value, core::PatternKind kind) {
        origin_.patterns.push_back(value.spot);
        draft_.service.patterns.push_back({kind, kind == core::PatternKind::String
                                                     ? read_bytes(option, value)
                                                     : read_notation(option, value, kind)});
    }

    /// Includes are resolved before.
    void store(const Option&, const Value&, std::monostate) {}

    /// `pty` comes after `stdio` in the table: it is the old word for one of its values, and may
    /// stand beside it if both agree.
    void store(const Option& option, const Value& value, core::Stdio core::Exec::*field) {
        const auto readable = read_value<core::Stdio>(option, value);
        if (!readable) return;
        if (option.alias_of.empty() || !origin_.has(option.alias_of)) {
            draft_.exec.*field = *readable;
        } else if ((*readable == core::Stdio::Pty) != (draft_.exec.*field == core::Stdio::Pty)) {
            report(option, value,
                   fmt::format("contradicts {} {}; keep one of the two", option.alias_of,
                               where(origin_.of(option.alias_of), value.spot)));
        }
    }

    template <typename T>
    std::optional<T> read_value(const Option& option, const Value& value) {
        if (!check_kind(option, value)) return std::nullopt;
        auto parsed = parse<T>(option, value.text);
        if (parsed) return *std::move(parsed);
        report(option, value, parsed.error().text);
        return std::nullopt;
    }

    std::string read_bytes(const Option& option, const Value& value) {
        if (!check_kind(option, value)) return {};
        Unescaped pattern = unescape(value.text);
        if (!pattern.stray.empty()) report_stray(option, value, pattern.stray);
        if (pattern.bytes.empty()) {
            report(option, value, "empty; write the first bytes of the stream");
        } else if (pattern.bytes.size() > core::kLargestWindow) {
            report(option, value,
                   fmt::format("{} bytes; at most {} can be looked at", pattern.bytes.size(),
                               core::kLargestWindow));
        }
        return std::move(pattern.bytes);
    }

    /// A pattern that stays text, and what its compiler says of it.
    std::string read_notation(const Option& option, const Value& value, core::PatternKind kind) {
        if (!check_kind(option, value)) return {};
        // Blanks mean nothing in hex, and the classic spelling could not say those at an end.
        std::string text(kind == core::PatternKind::Hex ? trim(value.text) : value.text);
        if (text.empty()) {
            report(option, value, "empty; write what the first bytes of the stream are");
            return {};
        }
        const auto pattern = core::compile({kind, text});
        if (!pattern) {
            const core::PatternProblem& problem = pattern.error();
            issues_.error(value.spot,
                          fmt::format("{}: {} (at byte {})", as_written(option.key, value),
                                      problem.text, problem.place + 1),
                          pointed_at(text, problem.place));
        } else if ((*pattern)->answer({}) == core::Answer::Match) {
            report(option, value,
                   "matches before the first byte, and so every stream; fallback is the service "
                   "for what remains");
        } else if (const std::size_t bytes = (*pattern)->shortest_match();
                   bytes > core::kLargestWindow) {
            report(
                option, value,
                fmt::format("{} bytes; at most {} can be looked at", bytes, core::kLargestWindow));
        }
        return text;
    }

    bool check_kind(const Option& option, const Value& value) {
        const std::string why = why_unfit(option, value.kind);
        if (!why.empty()) report(option, value, why);
        return why.empty();
    }

    /// Portsplit 1.0 took such a backslash as it stands, so its files keep that.
    void report_stray(const Option& option, const Value& value, std::string_view stray) {
        const std::string start =
            fmt::format("{}: {} is not a byte in hex", as_written(option.key, value), shown(stray));
        if (value.kind == Kind::Bare) {
            issues_.warning(value.spot, start + " and stays as it is; write \\5C for a backslash");
        } else {
            issues_.error(value.spot,
                          start + "; write \"\\\\5C\" for a backslash, \"\\\\00\" for a NUL");
        }
    }

    void report(const Option& option, const Value& value, std::string_view problem) {
        issues_.error(value.spot, fmt::format("{}: {}", as_written(option.key, value), problem));
    }

    std::string where(Spot spot, Spot message) const {
        return config::where(spot, message, issues_.files());
    }

    template <typename Owner>
    Owner& owner() {
        if constexpr (std::is_same_v<Owner, core::Config>) return draft_.config;
        if constexpr (std::is_same_v<Owner, core::Exec>) return draft_.exec;
        if constexpr (std::is_same_v<Owner, core::Connect>) return draft_.connect;
    }

    const Section& section_;
    Place place_;
    Draft& draft_;
    Issues& issues_;
    std::vector<std::vector<const Value*>> given_;  ///< by option
    Origin origin_;
};

}  // namespace

Origin read_section(const Section& section, Place place, Draft& draft, Issues& issues) {
    return SectionReader(section, place, draft, issues).read();
}

}  // namespace portsplit::config
