#pragma once
// A layout read the plain way, from the tree of its rules: recursion from the front to the back of a stream
// that is there as a whole. The oracle for core/layout_run.h.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/layout_text.h"
#include "core/model.h"

namespace portsplit::core::naive {

class LayoutReader {
  public:
    enum class Outcome { More, Fits, Failed };

    struct Field {
        bool is_complete = false;
        std::vector<std::string> values;

        bool operator==(const Field&) const = default;
    };
    struct Read {
        Outcome outcome = Outcome::More;
        std::map<std::string, Field> fields;  ///< those that came

        bool operator==(const Read&) const = default;
    };

    explicit LayoutReader(const LayoutSource& source) {
        for (const LayoutRule& rule : source.rules) {
            rules_[std::string(rule.name)] = *parse_layout_rule(rule.text);
        }
        collect_names(rules_.at("start"));
    }

    /// Reads these bytes, after which others may come.
    Read read(std::string_view stream) {
        result_ = {};
        place_ = 0;
        limits_.clear();
        loops_ = 0;
        take_frames(stream);
        try {
            read_choice(rules_.at("start"), nullptr);
            result_.outcome = Outcome::Fits;
        } catch (Missing) {
            result_.outcome = Outcome::More;
        } catch (Wrong) {
            result_.outcome = Outcome::Failed;
        }
        for (auto& [name, field] : result_.fields) {
            if (joined_.contains(name) && !field.is_complete) field.values.clear();
        }
        std::erase_if(result_.fields, [](const auto& it) {
            return !it.second.is_complete && it.second.values.empty();
        });
        return result_;
    }

  private:
    /// How many bytes tell an alternative from the others.
    static constexpr std::size_t kFarthest = 64;

    struct Missing {};
    struct Wrong {};

    /// The items that are still to be read behind the current one, and those behind them.
    struct Behind {
        enum class Edge { Sequence, Loop, Braces };
        const LayoutItem* next;
        const LayoutItem* last;
        Edge edge;  ///< what comes after `last`
        const Behind* outer;
    };
    using Edge = Behind::Edge;

    /// Keeps the fields that are a name in any place: they are one everywhere.
    void collect_names(const LayoutChoice& choice) {
        for (const LayoutSequence& sequence : choice) {
            for (const LayoutItem& item : sequence) {
                if (item.field.is_name) names_.insert(item.field.name);
                collect_names(item.kind == LayoutItem::Kind::Rule ? rules_.at(item.rule)
                                                                  : item.choice);
            }
        }
    }

    // --- the stream ---

    /// Writes what the frames hold to `bytes_`.
    void take_frames(std::string_view stream) {
        bytes_ = stream;
        is_wrong_behind_ = false;
        if (!rules_.contains("frame")) return;
        bytes_.clear();
        const LayoutSequence& head = rules_.at("frame").front();
        std::size_t at = 0;
        while (true) {
            std::uint64_t length = 0;
            for (const LayoutItem& item : head) {
                const ByteSets sets = item.kind == LayoutItem::Kind::Fixed ? item.bytes
                                      : item.kind == LayoutItem::Kind::Field
                                          ? ByteSets(item.field.size->least)
                                          : ByteSets(size_of(item.number.type).least);
                for (const ByteSet& set : sets) {
                    if (at == stream.size()) return;
                    const auto byte = static_cast<std::uint8_t>(stream[at++]);
                    is_wrong_behind_ = !set.holds(byte);
                    if (is_wrong_behind_) return;
                    if (&item == &head.back()) length = length << 8 | byte;
                }
            }
            const LayoutNumber& number = head.back().number;
            is_wrong_behind_ =
                length < number.range.least || length > number.range.most || length <= number.less;
            if (is_wrong_behind_) return;
            length -= number.less;
            bytes_ += stream.substr(at, length);
            if (length > stream.size() - at) return;
            at += length;
        }
    }

    std::size_t limit() const { return limits_.empty() ? SIZE_MAX : limits_.back(); }

    std::uint8_t byte_at(std::size_t place) const {
        if (place < bytes_.size()) return static_cast<std::uint8_t>(bytes_[place]);
        if (is_wrong_behind_) throw Wrong();
        throw Missing();
    }

    std::uint8_t take() {
        if (place_ == limit()) throw Wrong();
        const std::uint8_t byte = byte_at(place_);
        ++place_;
        return byte;
    }

    /// Returns true if the next bytes are these.
    bool is_next(const ByteSets& sets) const {
        if (limit() - place_ < sets.size()) return false;
        for (std::size_t i = 0; i < sets.size(); ++i) {
            if (place_ + i == bytes_.size() && is_wrong_behind_) return false;
            if (!sets[i].holds(byte_at(place_ + i))) return false;
        }
        return true;
    }

    // --- fixed bytes at the front and behind ---

    const LayoutChoice* inner_of(const LayoutItem& item) const {
        if (item.kind == LayoutItem::Kind::Group) return &item.choice;
        return item.kind == LayoutItem::Kind::Rule ? &rules_.at(item.rule) : nullptr;
    }

    /// Appends the fixed bytes at the front of items. Returns false if it met something else.
    bool lead(const LayoutItem* next, const LayoutItem* last, ByteSets& sets) const {
        for (; next != last; ++next) {
            if (next->repeat != Repeat::Once) return false;
            const LayoutChoice* inner = inner_of(*next);
            if (next->kind == LayoutItem::Kind::Fixed) {
                sets.insert(sets.end(), next->bytes.begin(), next->bytes.end());
            } else if (inner == nullptr || inner->size() != 1 ||
                       !lead(inner->front().data(), inner->front().data() + inner->front().size(),
                             sets)) {
                return false;
            }
        }
        return true;
    }

    /// Returns the fixed bytes that follow; none if there are none, or the braces end.
    ByteSets follow(const Behind* behind) const {
        ByteSets sets;
        for (; behind != nullptr; behind = behind->outer) {
            if (!lead(behind->next, behind->last, sets) || behind->edge != Edge::Sequence) break;
        }
        return sets;
    }

    /// Returns the different beginnings of items; none if it is anything.
    std::vector<ByteSets> begins(const LayoutItem* next, const LayoutItem* last) const {
        if (next == last) return {};
        ByteSets sets;
        lead(next, last, sets);
        if (sets.size() > kFarthest) sets.resize(kFarthest);
        if (!sets.empty()) return {sets};
        std::vector<ByteSets> all = begins_of_atom(*next);
        const bool may_be_missing = next->repeat == Repeat::Optional || next->repeat == Repeat::Any;
        if (all.empty() || !may_be_missing) return all;
        const auto later = begins(next + 1, last);
        if (later.empty()) return {};
        all.insert(all.end(), later.begin(), later.end());
        return all;
    }

    std::vector<ByteSets> begins_of_atom(const LayoutItem& item) const {
        if (item.kind == LayoutItem::Kind::Fixed) return {item.bytes};
        const LayoutChoice* inner = inner_of(item);
        if (inner == nullptr) return {};
        std::vector<ByteSets> all;
        for (const LayoutSequence& sequence : *inner) {
            const auto some = begins(sequence.data(), sequence.data() + sequence.size());
            if (some.empty()) return {};
            all.insert(all.end(), some.begin(), some.end());
        }
        return all;
    }

    // --- reading ---

    void read_choice(const LayoutChoice& choice, const Behind* behind) {
        const LayoutSequence* taken = choice.size() == 1 ? &choice.front() : nullptr;
        for (const LayoutSequence& sequence : choice) {
            if (taken != nullptr) break;
            const auto all = begins(sequence.data(), sequence.data() + sequence.size());
            const bool fits = std::any_of(all.begin(), all.end(),
                                          [&](const ByteSets& it) { return is_next(it); });
            if (all.empty() || fits) taken = &sequence;
        }
        if (taken == nullptr) throw Wrong();
        for (const LayoutItem& item : *taken) {
            const Behind rest{&item + 1, taken->data() + taken->size(), Edge::Sequence, behind};
            read_item(item, &rest);
        }
    }

    void read_item(const LayoutItem& item, const Behind* behind) {
        if (item.repeat == Repeat::Once) return read_atom(item, behind);
        const auto all = begins_of_atom(item);
        const auto fits = [&] {
            return std::any_of(all.begin(), all.end(),
                               [&](const ByteSets& it) { return is_next(it); });
        };
        if (item.repeat == Repeat::Optional) {
            if (all.empty() ? place_ != limit() : fits()) read_atom(item, behind);
            return;
        }
        ++loops_;
        const ByteSets end = all.empty() ? follow(behind) : ByteSets();
        const Behind loop{nullptr, nullptr, Edge::Loop, nullptr};
        bool is_first = item.repeat == Repeat::Some;
        while (is_first ||
               (all.empty() ? place_ != limit() && (end.empty() || !is_next(end)) : fits())) {
            read_atom(item, &loop);
            is_first = false;
        }
        --loops_;
        close_in(item);
    }

    /// Completes the lists that stand in an item, but in no repetition within it.
    void close_in(const LayoutItem& item) {
        if (item.kind == LayoutItem::Kind::Field && item.field.form != FieldForm::Single)
            close(item.field);
        const LayoutChoice& choice =
            item.kind == LayoutItem::Kind::Rule ? rules_.at(item.rule) : item.choice;
        for (const LayoutSequence& sequence : choice) {
            for (const LayoutItem& inner : sequence) {
                if (inner.repeat == Repeat::Once || inner.repeat == Repeat::Optional)
                    close_in(inner);
            }
        }
    }

    void read_atom(const LayoutItem& item, const Behind* behind) {
        switch (item.kind) {
            case LayoutItem::Kind::Fixed:
                for (const ByteSet& set : item.bytes) {
                    if (!set.holds(take())) throw Wrong();
                }
                break;
            case LayoutItem::Kind::Number:
                read_number(item.number);
                break;
            case LayoutItem::Kind::Braces:
                read_braces(item);
                break;
            case LayoutItem::Kind::Field:
                read_field(item, behind);
                break;
            case LayoutItem::Kind::Group:
            case LayoutItem::Kind::Rule:
                read_choice(*inner_of(item), behind);
                break;
            case LayoutItem::Kind::Joined:
                throw Wrong();
        }
    }

    std::uint32_t read_number(const LayoutNumber& number) {
        std::uint64_t value = 0;
        if (number.type == NumberType::Varint) {
            std::uint8_t byte = 0x80;
            for (unsigned i = 0; (byte & 0x80) != 0; ++i) {
                if (i == 5) throw Wrong();
                byte = take();
                value += std::uint64_t{byte & 0x7FU} << (7 * i);
                if (i == 4 && (byte & 0x80) != 0) throw Wrong();
            }
        } else if (number.type == NumberType::Ber) {
            value = take();
            if (value >= 0x80) {
                std::uint64_t bytes = value - 0x80;
                if (bytes == 0 || bytes > 4) throw Wrong();
                for (value = 0; bytes > 0; --bytes) value = value * 256 + take();
            }
        } else {
            const bool is_little =
                number.type == NumberType::Le16 || number.type == NumberType::Le32;
            std::uint64_t unit = 1;
            for (std::uint32_t i = 0; i < size_of(number.type).least; ++i) {
                const std::uint64_t byte = take();
                value = is_little ? value + byte * unit : value * 256 + byte;
                unit *= 256;
            }
        }
        if (value < number.range.least || value > number.range.most) throw Wrong();
        return static_cast<std::uint32_t>(value);
    }

    void read_braces(const LayoutItem& item) {
        const std::uint32_t number = read_number(item.number);
        if (number < item.number.less) throw Wrong();
        const std::size_t length = number - item.number.less;
        if (length > limit() - place_) throw Wrong();
        if (length < least_of(item.choice)) throw Wrong();
        limits_.push_back(place_ + length);
        if (item.choice.empty()) {
            while (place_ != limit()) take();
        } else {
            const Behind braces{nullptr, nullptr, Edge::Braces, nullptr};
            read_choice(item.choice, &braces);
        }
        if (place_ != limit()) throw Wrong();
        limits_.pop_back();
    }

    std::size_t least_of(const LayoutChoice& choice) const {
        std::size_t least = choice.empty() ? 0 : SIZE_MAX;
        for (const LayoutSequence& sequence : choice) {
            std::size_t sum = 0;
            for (const LayoutItem& item : sequence) {
                if (item.repeat == Repeat::Optional || item.repeat == Repeat::Any) continue;
                const LayoutChoice* inner = inner_of(item);
                if (inner != nullptr) sum += least_of(*inner);
                if (item.kind == LayoutItem::Kind::Fixed) sum += item.bytes.size();
                if (item.kind == LayoutItem::Kind::Number) sum += size_of(item.number.type).least;
                if (item.kind == LayoutItem::Kind::Braces) {
                    const auto& number = item.number;
                    sum += size_of(number.type).least;
                    if (number.range.least > number.less) sum += number.range.least - number.less;
                }
                if (item.kind == LayoutItem::Kind::Field && item.field.number) {
                    sum += size_of(*item.field.number).least;
                } else if (item.kind == LayoutItem::Kind::Field && item.field.size) {
                    sum += item.field.size->least;
                }
            }
            least = std::min(least, sum);
        }
        return least;
    }

    void read_field(const LayoutItem& item, const Behind* behind) {
        const LayoutField& field = item.field;
        std::string value;
        const NumberRange size =
            field.size.value_or(NumberRange{0, limits_.empty() ? 1024 : UINT32_MAX});
        if (field.number) {
            value = std::to_string(read_number({*field.number, 0, {0, UINT32_MAX}}));
        } else if (field.bytes) {
            while (value.size() < size.most && place_ != limit()) {
                if (!field.bytes->test(byte_at(place_))) break;
                value += static_cast<char>(take());
            }
            if (value.size() < size.least) throw Wrong();
        } else if (size.least == size.most) {
            if (size.least > limit() - place_) throw Wrong();
            while (value.size() < size.least) value += static_cast<char>(take());
        } else if (const ByteSets end = follow(behind); !end.empty()) {
            while (true) {
                if (limit() - place_ < end.size()) throw Wrong();
                if (is_next_or_wrong(end)) break;
                if (value.size() == size.most) throw Wrong();
                value += static_cast<char>(take());
            }
            if (value.size() < size.least) throw Wrong();
        } else {
            const std::size_t length = limit() - place_;
            if (length < size.least || length > size.most) throw Wrong();
            while (value.size() < length) value += static_cast<char>(take());
        }
        if (!field.name.empty()) store(field, value);
    }

    /// As `is_next`, for bytes that have to come sooner or later.
    bool is_next_or_wrong(const ByteSets& sets) const {
        for (std::size_t i = 0; i < sets.size(); ++i) {
            if (!sets[i].holds(byte_at(place_ + i))) return false;
        }
        return true;
    }

    // --- fields ---

    void store(const LayoutField& field, std::string value) {
        Field& state = result_.fields[field.name];
        const bool is_name = names_.contains(field.name);
        if (field.form == FieldForm::Joined) joined_.insert(field.name);
        if (is_name) {
            for (char& c : value) {
                if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
            }
            const bool is_full = field.form != FieldForm::Joined && value.ends_with('.');
            if (is_full) value.pop_back();
        }
        if (!state.is_complete && field.form == FieldForm::Joined && !state.values.empty()) {
            std::string separator(field.separator);
            for (char& c : separator) {
                if (is_name && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
            }
            state.values.front() += separator + value;
        } else if (!state.is_complete && !(is_name && value.empty())) {
            state.values.push_back(value);
            state.is_complete = field.form == FieldForm::Single;
        }
        if (field.form != FieldForm::Single && loops_ == 0) close(field);
    }

    void close(const LayoutField& field) {
        Field& state = result_.fields[field.name];
        if (state.is_complete) return;
        state.is_complete = true;
        const bool is_full = names_.contains(field.name) && field.form == FieldForm::Joined &&
                             !state.values.empty() && state.values.front().ends_with('.');
        if (is_full) state.values.front().pop_back();
        if (is_full && state.values.front().empty()) state.values.clear();  // no name
    }

    std::map<std::string, LayoutChoice> rules_;
    std::set<std::string> names_;
    std::set<std::string> joined_;  ///< fields that came
    std::string bytes_;
    bool is_wrong_behind_ = false;  ///< true if the frame behind `bytes_` is wrong
    std::size_t place_ = 0;
    std::vector<std::size_t> limits_;
    std::size_t loops_ = 0;  ///< repetitions that are open
    Read result_;
};

}  // namespace portsplit::core::naive
