// How it works. All values that services ask of one field alone are numbered in the order of the configuration
// and put into a FieldIndex. A later value is shadowed if a probe, a value that fits it, is found there under
// an earlier number. A probe of a value that is more than one text, such as `*.x`, is asked of those entries
// only that cover all of its texts if they cover the probe; it has a byte that no name has.
#include "core/layout_shadow.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "core/byte_set.h"
#include "core/field_index.h"
#include "core/field_test.h"
#include "core/layout.h"
#include "core/pattern.h"

namespace portsplit::core {
namespace {

using Kind = FieldTest::Kind;

constexpr char kNoNameByte = '\1';

const LayoutSource* source_of(const Config& config, std::string_view name) {
    const auto found = std::ranges::find(config.layouts, name, &LayoutSource::name);
    return found == config.layouts.end() ? nullptr : &*found;
}

/// The layouts that services ask, compiled once.
class Layouts {
  public:
    explicit Layouts(const Config& config) : config_(config) {}

    /// Returns null for a layout that does not compile.
    const Layout* find(std::string_view name) {
        const auto [it, is_new] = layouts_.try_emplace(std::string(name));
        const LayoutSource* source = is_new ? source_of(config_, name) : nullptr;
        if (source != nullptr) {
            if (auto layout = Layout::compile(*source)) it->second = *std::move(layout);
        }
        return it->second ? &*it->second : nullptr;
    }

  private:
    const Config& config_;
    std::map<std::string, std::optional<Layout>> layouts_;
};

/// The values that services ask of one field.
class OneField {
  public:
    struct Value {
        ValuePlace place;
        FieldTest test;
        bool is_alone = false;  ///< the pattern asks nothing else
    };

    void add(Value value) { values_.push_back(std::move(value)); }

    /// Appends the shadowed values.
    void find_shadows(std::vector<ValueShadow>& found) const {
        const FieldIndex all = index_of({Kind::Present, Kind::Exact, Kind::Below, Kind::AtOrBelow,
                                         Kind::Prefix, Kind::Suffix, Kind::Range, Kind::Regex});
        const FieldIndex ends =
            index_of({Kind::Present, Kind::Below, Kind::AtOrBelow, Kind::Suffix});
        const FieldIndex begins = index_of({Kind::Present, Kind::Prefix});
        const FieldIndex suffixes = index_of({Kind::Present, Kind::Suffix});
        const FieldIndex ranges = index_of({Kind::Present, Kind::Range});
        const FieldIndex any = index_of({Kind::Present});
        for (const Value& value : values_) {
            const std::string text(value.test.text);
            std::optional<std::uint32_t> by;
            std::string example = text;
            switch (value.test.kind) {
                case Kind::Present:
                case Kind::Regex:
                    example.clear();
                    by = first(any, "");
                    break;
                case Kind::Exact:
                    by = first(all, text);
                    break;
                case Kind::Below:
                    example = "a." + text;
                    by = first(ends, kNoNameByte + ("." + text));
                    break;
                case Kind::AtOrBelow:
                    by = later(first(all, text), first(ends, kNoNameByte + ("." + text)));
                    break;
                case Kind::Prefix:
                    by = first(begins, text + kNoNameByte);
                    break;
                case Kind::Suffix:
                    // With nothing before its dot, a text is below no name.
                    by = first(text.starts_with('.') ? suffixes : ends, kNoNameByte + text);
                    break;
                case Kind::Range:
                    example = std::to_string(value.test.range.least);
                    by = same(first(ranges, example),
                              first(ranges, std::to_string(value.test.range.most)));
                    break;
            }
            if (!by || values_[*by].place.service >= value.place.service) continue;
            found.push_back({value.place, values_[*by].place, example});
        }
    }

  private:
    FieldIndex index_of(const std::vector<Kind>& kinds) const {
        std::vector<FieldIndex::Entry> entries;
        for (std::uint32_t i = 0; i < values_.size(); ++i) {
            const Value& value = values_[i];
            const bool is_kind = std::ranges::find(kinds, value.test.kind) != kinds.end();
            if (value.is_alone && is_kind) entries.push_back({value.test, i});
        }
        return FieldIndex(entries);
    }

    using Found = std::optional<std::uint32_t>;
    static Found first(const FieldIndex& index, std::string_view value) {
        const std::uint32_t found = index.find(value).first;
        return found == FieldIndex::kNone ? std::nullopt : Found(found);
    }
    static Found later(Found a, Found b) { return a && b ? Found(std::max(*a, *b)) : std::nullopt; }
    static Found same(Found a, Found b) { return a == b ? a : std::nullopt; }

    std::vector<Value> values_;
};

/// Returns what the first bytes of every stream of a layout are, as far as the layout fixes them.
ByteSets beginning_of(const Layout& layout) {
    ByteSets sets;
    if (layout.frame()) sets.assign(layout.frame()->head.begin(), layout.frame()->head.end());
    for (const LayoutOp& op : layout.ops()) {
        const bool is_number = op.kind == LayoutOp::Kind::Number || op.kind == LayoutOp::Kind::Push;
        const NumberRange size = is_number ? size_of(op.type) : NumberRange{op.most, op.most};
        if (op.kind == LayoutOp::Kind::Fixed) {
            const auto fixed = layout.sets(op.first, op.count);
            sets.insert(sets.end(), fixed.begin(), fixed.end());
        } else if ((is_number || op.kind == LayoutOp::Kind::Exact) && size.least == size.most &&
                   sets.size() + size.most <= Layout::kFarthest) {
            sets.resize(sets.size() + size.most);
        } else {
            break;
        }
    }
    return sets;
}

std::optional<PatternPlace> first_taker(const Config& config, const ByteSets& beginning) {
    for (std::size_t s = 0; s < config.services.size(); ++s) {
        const auto& patterns = config.services[s].patterns;
        for (std::size_t p = 0; p < patterns.size(); ++p) {
            const auto sets = byte_sets(patterns[p]);
            if (sets && covers_all(*sets, beginning)) return PatternPlace{s, p};
        }
    }
    return std::nullopt;
}

}  // namespace

std::vector<ValueShadow> find_value_shadows(const Config& config) {
    Layouts layouts(config);
    std::map<std::pair<std::string_view, std::string_view>, OneField> fields;
    for (std::size_t s = 0; s < config.services.size(); ++s) {
        const auto& patterns = config.services[s].layouts;
        for (std::size_t l = 0; l < patterns.size(); ++l) {
            const Layout* layout = layouts.find(patterns[l].layout);
            const bool is_alone = !patterns[l].whole && patterns[l].conditions.size() == 1;
            for (std::size_t c = 0; c < patterns[l].conditions.size() && layout != nullptr; ++c) {
                const FieldCondition& condition = patterns[l].conditions[c];
                const auto field = layout->find_field(condition.field);
                for (std::size_t v = 0; v < condition.values.size() && field; ++v) {
                    auto test = parse_field_test(condition.values[v], layout->fields()[*field]);
                    if (!test) continue;
                    fields[{patterns[l].layout, condition.field}].add(
                        {{s, l, c, v}, *std::move(test), is_alone});
                }
            }
        }
    }
    std::vector<ValueShadow> found;
    for (const auto& [name, field] : fields) field.find_shadows(found);
    std::ranges::stable_sort(found, {}, [](const ValueShadow& it) {
        return std::tuple(it.at.service, it.at.layout, it.at.condition, it.at.value);
    });
    return found;
}

std::vector<LayoutShadow> find_layout_shadows(const Config& config) {
    Layouts layouts(config);
    std::map<std::string_view, std::pair<std::optional<PatternPlace>, std::string>> takers;
    std::vector<LayoutShadow> found;
    for (std::size_t s = 0; s < config.services.size(); ++s) {
        const auto& patterns = config.services[s].layouts;
        for (std::size_t l = 0; l < patterns.size(); ++l) {
            const Layout* layout = layouts.find(patterns[l].layout);
            if (layout == nullptr) continue;
            const auto [it, is_new] = takers.try_emplace(patterns[l].layout);
            auto& [taker, bytes] = it->second;
            if (is_new) {
                const ByteSets beginning = beginning_of(*layout);
                taker = first_taker(config, beginning);
                const std::size_t shown =
                    taker ? byte_sets(config.services[taker->service].patterns[taker->pattern])
                                ->size()
                          : 0;
                for (std::size_t i = 0; i < shown; ++i) {
                    bytes += static_cast<char>(beginning[i].first());
                }
            }
            if (taker && taker->service < s) found.push_back({s, l, *taker, bytes});
        }
    }
    return found;
}

}  // namespace portsplit::core
