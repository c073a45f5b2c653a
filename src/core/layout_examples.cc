#include "core/layout_examples.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <random>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "core/bytes.h"
#include "core/examples.h"
#include "core/field_test.h"
#include "core/layout.h"
#include "core/layout_index.h"
#include "core/layout_rules.h"
#include "core/regex.h"

namespace portsplit::core {
namespace {

/// How many streams are made for one pattern.
constexpr int kMostTries = 200;
/// How many of the values of a field are tried: there may be a file of thousands.
constexpr std::size_t kMostValues = 8;
/// How many examples are taken of an expression that a value has to fit.
constexpr std::size_t kOfExpression = 4;

/// A part of a name that no service asks for.
constexpr const char* kOdd = "zq7-x";
/// What fields hold that nobody asks for, where their sets allow it.
constexpr std::string_view kWords[] = {"GET",           "POST",        "HEAD", "PUT",
                                       "DELETE",        "/zq7-x",      "/",    "/index.html",
                                       "zq7-x.example", "example.org", "ab"};

using Random = std::minstd_rand;

std::size_t below(std::size_t end, Random& random) { return random() % end; }

/// Returns texts that fit a value that a service asks.
std::vector<std::string> texts_for(const FieldTest& test, std::size_t window) {
    const std::string text(test.text);
    switch (test.kind) {
        case FieldTest::Kind::Present:
            return {};
        case FieldTest::Kind::Below:
            return {"a." + text, kOdd + ("." + text)};
        case FieldTest::Kind::AtOrBelow:
            return {text, kOdd + ("." + text)};
        case FieldTest::Kind::Prefix:
            return {text, text + kOdd};
        case FieldTest::Kind::Suffix:
            return {text.starts_with('.') ? "a" + text : text, kOdd + text};
        case FieldTest::Kind::Range: {
            const auto [least, most] = test.range;
            return {std::to_string(least), std::to_string(least + (most - least) / 2),
                    std::to_string(most)};
        }
        case FieldTest::Kind::Regex:
            // It was compiled for whole values only.
            if (!compile_regex(test.text)) return {};
            return find_examples({PatternKind::Regex, test.text}, window, kOfExpression).matches;
        default:
            return {text};
    }
}

/// Makes streams.
class Maker {
  public:
    using Wanted = std::map<std::string, std::vector<std::string>, std::less<>>;

    /// @param wanted  the fields that a stream shall have, each with one of these values; any if there is none
    /// @param longest  the most bytes of a stream
    Maker(const LayoutRules& rules, Wanted wanted, std::size_t longest)
        : rules_(rules), wanted_(std::move(wanted)), longest_(longest) {}

    /// Returns a stream, which may not fit. One of more than `longest` bytes is not whole.
    std::string make() {
        filled_ = 0;
        missing_.clear();
        for (const auto& [field, values] : wanted_) missing_.insert(field);
        const std::string joined = of_choice(rules_.find(LayoutRules::kStart)->choice);
        const LayoutRules::Rule* frame = rules_.find(LayoutRules::kFrame);
        return frame == nullptr ? joined : in_frame(frame->choice.front(), joined);
    }

  private:
    const LayoutChoice* inner(const LayoutItem& item) const {
        return item.kind == LayoutItem::Kind::Rule ? &rules_.find(item.rule)->choice : &item.choice;
    }

    /// Returns how many fields that are missing can stand in these items.
    std::size_t missing_in(std::span<const LayoutItem> items) const {
        if (missing_.empty()) return 0;
        std::set<std::string_view> found;
        collect_missing(items, found);
        return found.size();
    }
    void collect_missing(std::span<const LayoutItem> items,
                         std::set<std::string_view>& found) const {
        for (const LayoutItem& item : items) {
            const auto it = missing_.find(item.field.name);
            if (it != missing_.end()) found.insert(*it);
            for (const LayoutSequence& sequence : *inner(item)) collect_missing(sequence, found);
        }
    }

    /// Mostly takes an alternative with a field that is missing, if there is one.
    std::string of_choice(const LayoutChoice& choice) {
        std::vector<const LayoutSequence*> useful;
        for (const LayoutSequence& sequence : choice) {
            if (missing_in(sequence) > 0) useful.push_back(&sequence);
        }
        const bool is_any = useful.empty() || below(4, random_) == 0;
        const LayoutSequence& taken =
            is_any ? choice[below(choice.size(), random_)] : *useful[below(useful.size(), random_)];
        std::string stream;
        for (const LayoutItem& item : taken) stream += of_item(item);
        return stream;
    }

    std::string of_item(const LayoutItem& item) {
        const std::size_t useful = missing_in(std::span(&item, 1));
        std::size_t times = 1;
        if (item.repeat == Repeat::Optional) times = useful > 0 ? 1 : 0;
        if (item.repeat == Repeat::Any) times = useful + below(2, random_);
        if (item.repeat == Repeat::Some)
            times = std::max<std::size_t>(useful + below(2, random_), 1);
        std::string stream;
        while (times-- > 0) stream += of_atom(item);
        return stream;
    }

    std::string of_atom(const LayoutItem& item) {
        std::string stream;
        switch (item.kind) {
            case LayoutItem::Kind::Fixed:
                for (const ByteSet& set : item.bytes) stream += static_cast<char>(set.first());
                return stream;
            case LayoutItem::Kind::Number:
                return number(item.number.type, item.number.range.least);
            case LayoutItem::Kind::Braces:
                if (!item.choice.empty()) stream = of_choice(item.choice);
                // What reads to the end of the braces takes the zeros.
                if (stream.size() < room_of(item.number).least)
                    stream += filled(room_of(item.number).least - stream.size(), '\0');
                return number(item.number.type, stream.size() + item.number.less) + stream;
            case LayoutItem::Kind::Field:
                return of_field(item.field);
            default:
                return of_choice(*inner(item));
        }
    }

    std::string of_field(const LayoutField& field) {
        const std::string* text = nullptr;
        const auto wanted = wanted_.find(field.name);
        if (wanted != wanted_.end() && missing_.erase(field.name) > 0 && !wanted->second.empty())
            text = &wanted->second[below(wanted->second.size(), random_)];
        if (!field.number) return text != nullptr ? *text : any_text(field);
        std::size_t value = below(5, random_);
        if (text != nullptr) std::from_chars(text->data(), text->data() + text->size(), value);
        return number(*field.number, value);
    }

    std::string any_text(const LayoutField& field) {
        const NumberRange size = field.size.value_or(NumberRange{0, 1024});
        const bool is_skip = field.name.empty();
        // A field before it, of which it has the bytes, would take them.
        if (is_skip && size.least == 0 && below(2, random_) == 0) return {};
        const auto fits = [&](std::string_view text) {
            return text.size() >= size.least && text.size() <= size.most &&
                   (!field.bytes || std::ranges::all_of(text, [&](char c) {
                       return field.bytes->test(static_cast<std::uint8_t>(c));
                   }));
        };
        const std::size_t first = below(std::size(kWords), random_);
        for (std::size_t i = 0; i < std::size(kWords); ++i) {
            const std::string_view word = kWords[(first + i) % std::size(kWords)];
            if (fits(word)) return std::string(word);
        }
        std::size_t byte = 'a';
        if (field.bytes && !field.bytes->test(byte)) {
            for (byte = 0; byte < 255 && !field.bytes->test(byte);) ++byte;
        }
        const std::size_t some = is_skip && size.most > 0 ? 1 : 0;
        return filled(std::max<std::size_t>(size.least, some), static_cast<char>(byte));
    }

    /// Returns bytes that only fill a place; none once there are more than `longest_` of them.
    std::string filled(std::size_t size, char byte) {
        filled_ += size;
        return filled_ > longest_ ? std::string() : std::string(size, byte);
    }

    static std::string number(NumberType type, std::size_t value) {
        std::string bytes;
        const auto add = [&](std::size_t byte) { bytes += static_cast<char>(byte & 0xFF); };
        if (type == NumberType::Varint) {
            for (; value > 0x7F; value >>= 7) add(value | 0x80);
            add(value);
            return bytes;
        }
        std::size_t size = size_of(type).least;
        if (type == NumberType::Ber && value > 0x7F) {
            size = 4;
            add(0x80 | size);
        }
        for (std::size_t i = 0; i < size; ++i) {
            const bool is_little = type == NumberType::Le16 || type == NumberType::Le32;
            add(value >> (8 * (is_little ? i : size - 1 - i)));
        }
        return bytes;
    }

    std::string in_frame(const LayoutSequence& frame, const std::string& joined) {
        std::string head;
        for (std::size_t i = 0; i + 1 < frame.size(); ++i) head += of_item(frame[i]);
        const LayoutNumber& length = frame.back().number;
        return head + number(length.type, joined.size() + length.less) + joined;
    }

    const LayoutRules& rules_;
    Wanted wanted_;
    std::size_t longest_;
    std::size_t filled_ = 0;                      ///< bytes of the stream that only fill a place
    std::set<std::string, std::less<>> missing_;  ///< fields that the stream does not have yet
    Random random_;
};

Maker::Wanted wanted_of(const LayoutPattern& pattern, const Layout& layout, std::size_t window) {
    Maker::Wanted wanted;
    for (const FieldCondition& condition : pattern.conditions) {
        const auto field = layout.find_field(condition.field);
        if (!field) throw InvalidPattern("no field " + std::string(condition.field));
        std::vector<std::string>& texts = wanted[std::string(condition.field)];
        for (const Text& value : condition.values) {
            const auto test = valid(parse_field_test(value, layout.fields()[*field]));
            for (std::string& text : texts_for(test, window)) texts.push_back(std::move(text));
        }
    }
    return wanted;
}

}  // namespace

std::vector<std::string> find_layout_examples(const LayoutSource& source,
                                              const LayoutPattern& pattern, std::size_t window,
                                              std::size_t most) {
    LayoutPattern shorter = pattern;
    for (FieldCondition& condition : shorter.conditions) {
        if (condition.values.size() > kMostValues) condition.values.resize(kMostValues);
    }
    static constexpr std::array<std::uint32_t, 1> kOnlyPart{0};
    const LayoutIndex index(source, {{&shorter}});
    std::vector<LayoutProblem> problems;
    const LayoutRules rules(source, problems);
    Maker maker(rules, wanted_of(shorter, index.layout(), window), window);
    std::vector<std::string> examples;
    for (int i = 0; i < kMostTries && examples.size() < most; ++i) {
        std::string stream = maker.make();
        if (stream.size() > window) continue;
        LayoutIndex::Reading reading(index, kOnlyPart);
        reading.run().want_end();
        reading.run().advance(as_bytes(stream));
        const LayoutIndex::First found = index.find(reading);
        const bool fits =
            found.matching && !found.open && reading.run().state() != LayoutRun::State::Failed;
        if (fits && std::ranges::find(examples, stream) == examples.end())
            examples.push_back(std::move(stream));
    }
    return examples;
}

}  // namespace portsplit::core
