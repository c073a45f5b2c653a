#include "config/describe.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "config/key_table.h"
#include "config/value.h"

namespace portsplit::config {
namespace {

Kind kind_of(Type type) {
    if (type == Type::Number) return Kind::Integer;
    if (type == Type::Seconds) return Kind::Float;
    return Kind::String;
}

using Described = Owners<const core::Config, const core::Listener, const core::Service>;

/// Visits the field of a key and returns the texts of its values; none if it has its default.
class Texts {
  public:
    /// @param defaults  of a listener
    Texts(const Key& key, const Described& owners, const core::Listener& defaults)
        : key_(key), owners_(owners), defaults_(defaults) {}

    template <typename Owner, typename T>
    std::vector<std::string> operator()(T Owner::*field) const {
        const Owner* of = owner_in<Owner>(owners_);
        if (of == nullptr || of->*field == default_of<Owner>().*field) return {};
        return {print(of->*field)};
    }

    /// A value that a listener has from the top cannot be unset there, so no text is needed for that.
    template <typename Owner, typename T>
    std::vector<std::string> operator()(std::optional<T> Owner::*field) const {
        const Owner* of = owner_in<Owner>(owners_);
        if (of == nullptr || !(of->*field) || of->*field == default_of<Owner>().*field) return {};
        return {print(*(of->*field))};
    }

    template <typename Owner, typename T>
    std::vector<std::string> operator()(core::List<T> Owner::*field) const {
        const Owner* of = owner_in<Owner>(owners_);
        if (of == nullptr) return {};
        std::vector<std::string> texts;
        for (const T& value : of->*field) texts.push_back(print(value));
        return texts;
    }

    template <typename Owner>
    std::vector<std::string> operator()(const Enumerated<Owner>& field) const {
        const Owner* of = owner_in<Owner>(owners_);
        if (of == nullptr || field.get(*of) == field.get(default_of<Owner>())) return {};
        return {std::string(key_.takes.words[field.get(*of)])};
    }

    std::vector<std::string> operator()(core::PatternKind kind) const {
        std::vector<std::string> texts;
        for (const core::PatternSource& pattern : owners_.service->patterns) {
            if (pattern.kind == kind) texts.push_back(print_pattern(pattern));
        }
        return texts;
    }

  private:
    template <typename Owner>
    Owner default_of() const {
        if constexpr (std::is_same_v<Owner, core::Listener>) {
            return defaults_;
        } else {
            return {};
        }
    }

    const Key& key_;
    const Described& owners_;
    const core::Listener& defaults_;
};

Entry entry_of(std::string key, std::vector<std::string> texts) {
    Entry entry{std::move(key), {}, texts.size() > 1, {}};
    for (std::string& text : texts) entry.values.push_back({{}, Kind::String, std::move(text)});
    return entry;
}

/// Appends what a service asks of layouts: the names of those that are asked as a whole, then the conditions.
void append_layouts(const core::Service& service, Section& section) {
    std::vector<std::string> whole;
    for (const core::LayoutPattern& pattern : service.layouts) {
        if (pattern.whole) whole.emplace_back(pattern.layout);
    }
    if (!whole.empty()) section.entries.push_back(entry_of(std::string(kLayout), std::move(whole)));
    for (const core::LayoutPattern& pattern : service.layouts) {
        for (const core::FieldCondition& condition : pattern.conditions) {
            std::string key = std::string(pattern.layout) + "." + std::string(condition.field);
            section.entries.push_back(
                entry_of(std::move(key), {condition.values.begin(), condition.values.end()}));
        }
    }
}

Section describe_section(Place place, std::string_view name, const Described& owners,
                         const core::Listener& defaults = {}) {
    Section section;
    section.name = name;
    for (const Key& key : keys()) {
        if (!is_written(key, place)) continue;
        Entry entry{std::string(key.name), {}, false, {}};
        for (std::string& text : std::visit(Texts(key, owners, defaults), *key.takes.field)) {
            entry.values.push_back({{}, kind_of(key.takes.type), std::move(text)});
        }
        entry.is_list = entry.values.size() > 1;
        if (!entry.values.empty()) section.entries.push_back(std::move(entry));
    }
    if (owners.service != nullptr) append_layouts(*owners.service, section);
    return section;
}

}  // namespace

Document describe(const core::Config& config) {
    Document document;
    document.global = describe_section(Place::Global, "", {&config, &config.top, nullptr});
    for (const core::LayoutSource& layout : config.layouts) {
        Section& section = document.layouts.emplace_back();
        section.name = layout.name;
        for (const core::LayoutRule& rule : layout.rules) {
            section.entries.push_back(entry_of(std::string(rule.name), {std::string(rule.text)}));
        }
    }
    for (const core::Listener& listener : config.listeners) {
        document.listeners.push_back(describe_section(Place::Listener, listener.name,
                                                      {&config, &listener, nullptr}, config.top));
    }
    for (const core::Service& service : config.services) {
        document.services.push_back(
            describe_section(Place::Service, service.name, {&config, nullptr, &service}));
    }
    return document;
}

std::size_t longest_key(const Section& section) {
    std::size_t longest = 0;
    for (const Entry& entry : section.entries) longest = std::max(longest, entry.key.size());
    return longest;
}

}  // namespace portsplit::config
