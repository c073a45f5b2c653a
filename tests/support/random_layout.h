#pragma once
// Random layouts of few letters, and random streams that fit a layout or nearly fit.

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/layout_text.h"
#include "core/model.h"
#include "support/layouts.h"

namespace portsplit::core {

/// Writes rules. Many of them are wrong in some way: the compiler refuses these.
class RandomLayout {
  public:
    explicit RandomLayout(std::mt19937& random) : random_(random) {}

    LayoutSource make() {
        std::vector<std::string> rules;
        if (below(4) == 0) {
            rules.push_back(pick(
                {"frame = 'b' {u8(1-3) <>}", "frame = ?? {u8(1-255) <>}", "frame = {u8-1 <>}"}));
        }
        rules.push_back("start = " + choice(0));
        rules.push_back("one = " + choice(2));
        rules.push_back("two = " + choice(3));
        return layout_of(rules);
    }

  private:
    std::size_t below(std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
    }
    std::string pick(const std::vector<std::string>& all) { return all[below(all.size())]; }

    std::string choice(int depth) {
        std::string text = sequence(depth);
        for (std::size_t i = below(3); i > 1; --i) text += " | " + sequence(depth);
        if (below(6) == 0) text += " | " + sequence(depth);
        return text;
    }

    std::string sequence(int depth) {
        std::string text = item(depth);
        for (std::size_t i = below(3); i > 0; --i) text += " " + item(depth);
        return text;
    }

    std::string item(int depth) {
        return atom(depth) + (below(4) == 0 ? pick({"?", "*", "+"}) : "");
    }

    std::string atom(int depth) {
        const std::size_t kind = below(depth > 3 ? 6 : 9);
        switch (kind) {
            case 0:
            case 1:
                return pick({"'a'", "'b'", "'ab'", "61", "01-02", "'A'i", "??"});
            case 2:
                return pick({"u8", "u8(1-2)", "u16", "varint", "ber", "le16"});
            case 3:
            case 4:
                return pick({"<x>", "<x 1>", "<x [a] 1-2>", "<y*>", "<y* 1-2>", "<z+'.' name 1>",
                             "<z+'.' name>", "<n u8>", "<v name>", "<v name 1-3>", "<x 0-2>"});
            case 5:
                return pick({"..", "..1", "..[b]", "..0-2", "..[^a]1-2"});
            case 6:
                return "{" + pick({"u8", "u8(1-4)", "u8-1", "varint", "ber"}) +
                       pick({"", " " + choice(depth + 1)}) + "}";
            case 7:
                return "(" + choice(depth + 1) + ")";
            default:
                return depth < 2 ? "one" : depth < 3 ? "two" : "'b'";
        }
    }

    std::mt19937& random_;
};

/// Makes streams from the rules of a layout. One may fail: an alternative above may take it.
class Specimen {
  public:
    Specimen(const LayoutSource& source, std::mt19937& random) : random_(random) {
        for (const LayoutRule& rule : source.rules) {
            rules_.emplace_back(std::string(rule.name), *parse_layout_rule(rule.text));
        }
    }

    std::string make() {
        const std::string joined = of_choice(rule("start"));
        const LayoutChoice* frame = find("frame");
        return frame == nullptr ? joined : in_frames(frame->front(), joined);
    }

  private:
    const LayoutChoice* find(const std::string& name) const {
        for (const auto& [known, choice] : rules_) {
            if (known == name) return &choice;
        }
        return nullptr;
    }
    const LayoutChoice& rule(const std::string& name) const { return *find(name); }

    std::size_t below(std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
    }

    std::string of_choice(const LayoutChoice& choice) {
        std::string stream;
        for (const LayoutItem& item : choice[below(choice.size())]) stream += of_item(item);
        return stream;
    }

    std::string of_item(const LayoutItem& item) {
        std::size_t times = 1;
        if (item.repeat == Repeat::Optional) times = below(2);
        if (item.repeat == Repeat::Any) times = below(3);
        if (item.repeat == Repeat::Some) times = 1 + below(2);
        std::string stream;
        while (times-- > 0) stream += of_atom(item);
        return stream;
    }

    std::string of_atom(const LayoutItem& item) {
        std::string stream;
        switch (item.kind) {
            case LayoutItem::Kind::Fixed:
                for (const ByteSet& set : item.bytes) stream += letter_of(set);
                return stream;
            case LayoutItem::Kind::Number:
                return number(item.number.type, in_range(item.number.range));
            case LayoutItem::Kind::Braces:
                stream = item.choice.empty() ? letters(in_range(room_of(item.number)))
                                             : of_choice(item.choice);
                return number(item.number.type,
                              static_cast<std::uint32_t>(stream.size()) + item.number.less) +
                       stream;
            case LayoutItem::Kind::Field:
                return of_field(item.field);
            case LayoutItem::Kind::Group:
                return of_choice(item.choice);
            case LayoutItem::Kind::Rule:
                return of_choice(rule(item.rule));
            case LayoutItem::Kind::Joined:
                break;
        }
        return stream;
    }

    static NumberRange room_of(const LayoutNumber& number) {
        return {number.range.least > number.less ? number.range.least - number.less : 0,
                number.range.most - number.less};
    }

    std::uint32_t in_range(NumberRange range) {
        const std::uint32_t more = std::min<std::uint32_t>(range.most - range.least, 3);
        return range.least + static_cast<std::uint32_t>(below(more + 1));
    }

    std::string of_field(const LayoutField& field) {
        if (field.number) return number(*field.number, static_cast<std::uint32_t>(below(4)));
        std::string stream;
        const std::uint32_t size = in_range(field.size.value_or(NumberRange{0, 3}));
        while (stream.size() < size) {
            if (!field.bytes) {
                stream += letters(1);
                continue;
            }
            const auto byte =
                static_cast<std::uint8_t>(below(8) == 0 ? below(256) : 'a' + below(3));
            if (field.bytes->test(byte)) stream += static_cast<char>(byte);
        }
        return stream;
    }

    std::string letters(std::size_t size) {
        std::string text;
        while (text.size() < size) text += std::string("abc\x01\x02", 5)[below(5)];
        return text;
    }

    char letter_of(const ByteSet& set) {
        for (int i = 0; i < 20; ++i) {
            const char letter = letters(1).front();
            if (set.holds(static_cast<std::uint8_t>(letter))) return letter;
        }
        return static_cast<char>(set.first());
    }

    std::string number(NumberType type, std::uint32_t value) {
        std::string bytes;
        const auto add = [&](std::uint32_t byte) { bytes += static_cast<char>(byte & 0xFF); };
        if (type == NumberType::Varint) {
            for (; value > 0x7F; value >>= 7) add(value | 0x80);
            add(value);
        } else if (type == NumberType::Ber) {
            const bool is_long = value > 0x7F || below(4) == 0;
            if (is_long) add(0x82);
            if (is_long) add(value >> 8);
            add(value);
        } else {
            for (std::uint32_t i = 0; i < size_of(type).least; ++i) add(value >> (8 * i));
            const bool is_little = type == NumberType::Le16 || type == NumberType::Le32;
            if (!is_little) bytes = std::string(bytes.rbegin(), bytes.rend());
        }
        return bytes;
    }

    std::string in_frames(const LayoutSequence& frame, std::string joined) {
        std::string stream;
        while (!joined.empty()) {
            const NumberRange room = room_of(frame.back().number);
            const std::size_t most = std::min<std::size_t>(joined.size(), room.most);
            const std::size_t size = 1 + below(most);
            for (std::size_t i = 0; i + 1 < frame.size(); ++i) stream += of_item(frame[i]);
            stream += number(frame.back().number.type,
                             static_cast<std::uint32_t>(size) + frame.back().number.less) +
                      joined.substr(0, size);
            joined.erase(0, size);
        }
        return stream;
    }

    std::mt19937& random_;
    std::vector<std::pair<std::string, LayoutChoice>> rules_;
};

/// Changes, drops, doubles or appends a byte.
inline std::string mutated(std::string stream, std::mt19937& random) {
    const std::string letters("abc\x01\x02\x03\x80\x00", 8);
    const auto below = [&](std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
    };
    const char letter = letters[below(letters.size())];
    const std::size_t at = below(stream.size() + 1);
    switch (below(4)) {
        case 0:
            if (at < stream.size()) stream[at] = letter;
            return stream;
        case 1:
            if (at < stream.size()) stream.erase(at, 1);
            return stream;
        case 2:
            return stream.insert(at, 1, letter);
        default:
            return stream + letter;
    }
}

}  // namespace portsplit::core
