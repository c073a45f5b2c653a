#include "config/section.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/escape.h"
#include "config/key_table.h"
#include "config/meant.h"
#include "config/never_meant.h"
#include "config/spelling.h"
#include "config/value.h"
#include "config/wording.h"
#include "core/passed_fields.h"
#include "core/pattern.h"

namespace portsplit::config {
namespace {

std::vector<std::string_view> names_of_keys(Place place) {
    std::vector<std::string_view> names;
    for (const Key& key : keys()) {
        if (stands_in(key, place)) names.push_back(key.name);
    }
    return names;
}

class SectionReader {
  public:
    SectionReader(const Section& section, core::Config& config, Issues& issues)
        : section_(section),
          place_(Place::Global),
          config_(&config),
          listener_(&config.top),
          issues_(issues) {}
    SectionReader(const Section& section, core::Listener& listener, Issues& issues)
        : section_(section), place_(Place::Listener), listener_(&listener), issues_(issues) {}
    SectionReader(const Section& section, ServiceDraft& draft, Issues& issues)
        : section_(section), place_(Place::Service), draft_(&draft), issues_(issues) {}

    Origin read() {
        given_.reserve(section_.entries.size());
        for (const Entry& entry : section_.entries) find_key_of(entry);
        // In the order of the table, so that a model does not depend on how keys were mixed. Each
        // alias is compared with its key, so all aliases come last.
        std::stable_sort(given_.begin(), given_.end(),
                         [](const Given& a, const Given& b) { return a.place() < b.place(); });
        for (const Given& given : given_) store_value(*given.key, *given.value);
        return std::move(origin_);
    }

  private:
    struct Given {
        const Key* key;
        const Value* value;

        std::pair<bool, const Key*> place() const { return {!key->takes.alias_of.empty(), key}; }
    };

    /// Finds the key of an entry and keeps the values for `store_value`.
    void find_key_of(const Entry& entry) {
        if (const auto field = core::split_field(entry.key); field && place_ == Place::Service) {
            return keep_condition(*field, entry);
        }
        if (core::split_field(entry.key)) {
            issues_.error(entry.spot, fmt::format("{}: a field is asked for by a service; {}",
                                                  shown(entry.key), move_to_service(entry)));
            return;
        }
        const Key* key = find_key(entry.key, place_);
        if (key == nullptr && find_key(entry.key) != nullptr) return report_misplaced(entry);
        if (key == nullptr) return report_unknown(entry);
        const Value*& first = firsts_[static_cast<std::size_t>(key - keys().data())];
        if (!key->takes.repeatable && entry.is_list) {
            issues_.error(entry.spot, fmt::format("{}: a list; write one value", entry.key));
            return;
        }
        for (const Value& value : entry.values) {
            if (!key->takes.repeatable && first != nullptr) {
                issues_.error(value.spot, fmt::format("{}: set {} already; keep one of the two",
                                                      as_written(entry.key, value),
                                                      where(first->spot, value.spot)));
                return;
            }
            first = &value;
            given_.push_back({key, &value});
        }
    }

    /// Keeps the values of `LAYOUT.FIELD` for the time when all layouts are known.
    void keep_condition(core::FieldName name, const Entry& entry) {
        Key key = *find_key(kLayout);
        key.name = entry.key;
        for (const Value& value : entry.values) {
            if (value.kind == Kind::Group || value.kind == Kind::List ||
                value.kind == Kind::Boolean || value.kind == Kind::Float) {
                const bool is_list = value.kind == Kind::List;
                issues_.error(value.spot, fmt::format("{}: {}", entry.key,
                                                      is_list ? why_unfit(key, value.kind)
                                                              : "not a string; write it in double "
                                                                "quotes"));
                draft_->has_gap = true;
                continue;
            }
            std::vector<Suspicion> suspicions = suspicions_of(key, value);
            for (Suspicion& suspicion : suspicions) {
                issues_.warning(value.spot, std::move(suspicion.text), suspicion.name,
                                section_.name);
            }
            draft_->asked.push_back(
                {std::string(name.layout), std::string(name.field), value, !suspicions.empty()});
        }
    }

    void report_unknown(const Entry& entry) {
        const auto known = names_of_keys(place_);
        const bool is_group = !entry.values.empty() && entry.values.front().kind == Kind::Group;
        const auto meant = nearest(entry.key, known);
        std::string advice;
        if (is_group) {
            advice = meant ? "" : "write the service inside services : { ... };";
            if (nearest(entry.key, {"services"})) advice = "did you mean services?";
            if (nearest(entry.key, {"listeners"})) advice = "did you mean listeners?";
        }
        if (advice.empty() && meant) advice = fmt::format("did you mean {}?", *meant);
        if (advice.empty()) {
            advice =
                fmt::format("{} are {}{}", keys_of_section(), alternatives(known),
                            place_ == Place::Service ? ", and LAYOUT.FIELD, such as tls.sni" : "");
        }
        if (const auto field = place_ == Place::Service ? field_named(entry.key) : std::nullopt) {
            advice = advice_on_field(*field, entry);
            draft_->has_gap = true;
        }
        issues_.error(entry.spot, fmt::format("unknown key {}; {}", shown(entry.key), advice));
    }

    /// Returns how to ask the field that a key of another program means.
    static std::string advice_on_field(std::string_view field, const Entry& entry) {
        const core::FieldName name = *core::split_field(field);
        const bool has_text = !entry.values.empty() &&
                              (is_classic(entry) || entry.values.front().kind == Kind::String);
        return fmt::format("a field is asked as LAYOUT.FIELD; write {}",
                           condition(name.layout, name.field,
                                     has_text ? shown(entry.values.front().text) : "VALUE",
                                     is_classic(entry) ? Spelling::Classic : Spelling::Libconfig));
    }

    const char* keys_of_section() const {
        if (place_ == Place::Global) return "global keys";
        return place_ == Place::Listener ? "the keys of a listener" : "the keys of a service";
    }

    static bool is_classic(const Entry& entry) {
        return !entry.values.empty() && entry.values.front().kind == Kind::Bare;
    }
    static const char* move_to_service(const Entry& entry) {
        return is_classic(entry) ? "move it below a [service]" : "move it into a group in services";
    }

    void report_misplaced(const Entry& entry) {
        const std::string_view group = place_ == Place::Service ? "services" : "listeners";
        std::string advice;
        if (find_key(entry.key, Place::Global) != nullptr) {
            advice = is_classic(entry)
                         ? fmt::format("a global key; move it above the first {}",
                                       place_ == Place::Service ? "[service]" : "[listener NAME]")
                         : fmt::format("a global key; move it out of {}", group);
        } else if (find_key(entry.key, Place::Listener) != nullptr) {
            advice = fmt::format("a key of a listener; {}",
                                 is_classic(entry) ? "move it below a [listener NAME]"
                                                   : "move it into a group in listeners");
        } else {
            advice = fmt::format("a key of a service; {}", move_to_service(entry));
        }
        issues_.error(entry.spot, fmt::format("{}: {}", entry.key, advice));
    }

    void store_value(const Key& key, const Value& value) {
        origin_.add(key.name, value.spot);
        if (key.name == kLayout && check_kind(key, value)) {
            draft_->asked.push_back({value.text, {}, value});
        }
        if (!key.takes.field) return;
        refused_ = false;
        std::visit([&](const auto& field) { store(key, value, field); }, *key.takes.field);
        if (refused_) return;
        for (Suspicion& suspicion : suspicions_of(key, value)) {
            issues_.warning(value.spot, std::move(suspicion.text), suspicion.name, section_.name);
        }
    }

    template <typename Owner, typename T>
    void store(const Key& key, const Value& value, T Owner::*field) {
        if (auto readable = read_value(key, value, parse<T>)) {
            owner<Owner>().*field = *std::move(readable);
        }
    }

    template <typename Owner, typename T>
    void store(const Key& key, const Value& value, std::optional<T> Owner::*field) {
        if (auto readable = read_value(key, value, parse<T>)) {
            owner<Owner>().*field = *std::move(readable);
        }
    }

    template <typename Owner, typename T>
    void store(const Key& key, const Value& value, core::List<T> Owner::*field) {
        // The first value replaces what a listener has from the top.
        if (origin_.count(key.name) == 1) (owner<Owner>().*field).clear();
        (owner<Owner>().*field).push_back(read_value(key, value, parse<T>).value_or(T{}));
    }

    void store(const Key& key, const Value& value, core::PatternKind kind) {
        origin_.patterns.push_back(value.spot);
        const bool is_string = kind == core::PatternKind::String;
        const std::string text =
            is_string ? read_bytes(key, value) : read_notation(key, value, kind);
        draft_->service.patterns.push_back({kind, core::Text(text)});
    }

    template <typename Owner>
    void store(const Key& key, const Value& value, const Enumerated<Owner>& field) {
        if (!key.takes.alias_of.empty()) return store_alias(key, value, field);
        if (const auto word = read_value(key, value, parse_word)) field.set(owner<Owner>(), *word);
    }

    /// Sets the member, or compares the alias with what its key has set.
    template <typename Owner>
    void store_alias(const Key& key, const Value& value, const Enumerated<Owner>& field) {
        const auto yes = read_value(key, value, parse<bool>);
        if (!yes) return;
        const std::string_view today = key.takes.alias_of;
        if (!origin_.has(today)) {
            if (*yes) field.set(owner<Owner>(), key.takes.yes);
        } else if (*yes != (field.get(owner<Owner>()) == key.takes.yes)) {
            report(key, value,
                   fmt::format("contradicts {} {}; keep one of the two", today,
                               where(origin_.of(today), value.spot)));
        }
    }

    template <typename T>
    std::optional<T> read_value(const Key& key, const Value& value,
                                core::Result<T, Problem> (*parser)(const Key&, std::string_view)) {
        if (!check_kind(key, value)) return std::nullopt;
        auto parsed = parser(key, value.text);
        if (parsed) return *std::move(parsed);
        const std::string rule = broken_rule(
            key, value, [&](const std::string& meant) { return bool(parser(key, meant)); });
        report(key, value, rule.empty() ? parsed.error().text : rule);
        return std::nullopt;
    }

    std::string read_bytes(const Key& key, const Value& value) {
        if (!check_kind(key, value)) return {};
        Unescaped pattern = unescape(value.text);
        if (!pattern.stray.empty()) report_stray(key, value, pattern.stray);
        if (pattern.bytes.size() > core::kLargestWindow) {
            report(key, value,
                   fmt::format("{} bytes; at most {} can be looked at", pattern.bytes.size(),
                               core::kLargestWindow));
        }
        return std::move(pattern.bytes);
    }

    /// Returns a `hex` or `regex` as text, after reporting what is wrong with it.
    std::string read_notation(const Key& key, const Value& value, core::PatternKind kind) {
        if (!check_kind(key, value)) return {};
        // Blanks mean nothing in hex, and the classic spelling cannot express them at an end.
        std::string text(kind == core::PatternKind::Hex ? trim(value.text) : value.text);
        if (text.empty()) {
            report(
                key, value,
                "empty; write what the first bytes of the stream are, or an empty string for all "
                "clients");
            return {};
        }
        const auto pattern = core::compile({kind, core::Text(text)});
        const std::string rule =
            pattern ? "" : broken_rule(key, value, [&](const std::string& meant) {
                return bool(core::compile({kind, core::Text(meant)}));
            });
        if (!rule.empty()) {
            report(key, value, rule);
        } else if (!pattern) {
            refused_ = true;
            const core::PatternProblem& problem = pattern.error();
            issues_.error(value.spot,
                          fmt::format("{}: {} (at byte {})", as_written(key.name, value),
                                      problem.text, problem.place + 1),
                          pointed_at(text, problem.place));
        } else if ((*pattern)->answer({}) == core::Answer::Match) {
            report(key, value,
                   "matches before the first byte, and so every stream; use fallback for clients "
                   "that fit no other service, or an empty string for all clients");
        } else if (const std::size_t bytes = (*pattern)->shortest_match();
                   bytes > core::kLargestWindow) {
            report(
                key, value,
                fmt::format("{} bytes; at most {} can be looked at", bytes, core::kLargestWindow));
        }
        return text;
    }

    bool check_kind(const Key& key, const Value& value) {
        const std::string why = why_unfit(key, value.kind);
        if (!why.empty()) report(key, value, why);
        return why.empty();
    }

    /// Returns what other formats allow and the classic spelling does not, if a value without it can be
    /// read; else nothing.
    static std::string broken_rule(const Key& key, const Value& value,
                                   const std::function<bool(const std::string&)>& can_read) {
        if (value.kind != Kind::Bare) return {};
        return config::broken_rule(key.name, value.text, can_read);
    }

    /// A warning in the classic spelling, where Portsplit 1.0 kept such a backslash; else an error.
    void report_stray(const Key& key, const Value& value, std::string_view stray) {
        const std::string written = as_written(key.name, value);
        if (value.kind == Kind::Bare) {
            issues_.warning(value.spot, fmt::format("{}: {}", written, warning_of_stray(stray)),
                            "backslash", section_.name);
        } else {
            issues_.error(value.spot, fmt::format("{}: {} is no escape here; {}", written,
                                                  shown(stray), advice_for_stray(stray, "\\\\")));
        }
    }

    void report(const Key& key, const Value& value, std::string_view problem) {
        refused_ = true;
        issues_.error(value.spot, fmt::format("{}: {}", as_written(key.name, value), problem));
    }

    std::string where(Spot spot, Spot message) const {
        return config::where(spot, message, issues_.files());
    }

    template <typename Owner>
    Owner& owner() {
        if constexpr (std::is_same_v<Owner, core::Config>) return *config_;
        if constexpr (std::is_same_v<Owner, core::Listener>) return *listener_;
        if constexpr (std::is_same_v<Owner, core::Service>) return draft_->service;
        if constexpr (std::is_same_v<Owner, core::Exec>) return draft_->exec;
        if constexpr (std::is_same_v<Owner, core::Connect>) return draft_->connect;
    }

    const Section& section_;
    Place place_;
    core::Config* config_ = nullptr;      ///< of the global section
    core::Listener* listener_ = nullptr;  ///< of a listener, or of the global section
    ServiceDraft* draft_ = nullptr;       ///< of a service
    Issues& issues_;
    std::vector<Given> given_;
    std::vector<const Value*> firsts_ = std::vector<const Value*>(keys().size());  ///< by key
    Origin origin_{section_.spot};
    bool refused_ = false;  ///< true if an error was reported for the value that is being stored
};

}  // namespace

void SectionNames::add(std::string_view name, Spot spot) {
    if (const std::string why = why_no_name(name); !why.empty()) {
        issues_.error(spot, fmt::format("{} {}: {}", what_, shown(name), why));
    } else if (const auto [first, fresh] = firsts_.try_emplace(name, spot); !fresh) {
        issues_.error(spot, fmt::format("{} {} is already defined {}; keep one, or "
                                        "choose another name",
                                        what_, name, where(first->second, spot, issues_.files())));
    }
}

Origin read_global(const Section& section, core::Config& config, Issues& issues) {
    return SectionReader(section, config, issues).read();
}

Origin read_listener(const Section& section, core::Listener& listener, Issues& issues) {
    return SectionReader(section, listener, issues).read();
}

Origin read_service(const Section& section, ServiceDraft& draft, Issues& issues) {
    return SectionReader(section, draft, issues).read();
}

}  // namespace portsplit::config
