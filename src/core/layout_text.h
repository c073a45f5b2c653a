#pragma once
// The notation of layouts: the text of one rule to a tree. `hex` is a part of it. core/layout.h joins the
// rules of a layout and checks what needs more than one of them.

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_set.h"
#include "core/pattern.h"
#include "core/result.h"

namespace portsplit::core {

/// How a number lies in the stream.
enum class NumberType {
    U8,
    U16,  ///< the most significant byte first, as are u24 and u32
    U24,
    U32,
    Le16,  ///< the least significant byte first
    Le32,
    Varint,  ///< seven bits in each byte, the least significant first: MQTT 5.0 1.5.5, Minecraft
    Ber,     ///< the length of an element in ASN.1's definite form: X.690 8.1.3
};

/// From `least` to `most`, both included.
struct NumberRange {
    std::uint32_t least = 0;
    std::uint32_t most = UINT32_MAX;

    bool operator==(const NumberRange&) const = default;
};

struct LayoutNumber {
    NumberType type = NumberType::U8;
    std::uint32_t less = 0;  ///< `u16-4`: the length is four less than the number
    NumberRange range{};     ///< of the number as it is sent

    bool operator==(const LayoutNumber&) const = default;
};

/// The bytes that a field or a skip may have.
using ByteClass = std::bitset<256>;

/// What is special about a field.
enum class FieldForm {
    Single,
    List,    ///< `<x*>`: each time it comes is one member
    Joined,  ///< `<x+'.'>`: all members are one value
};

/// `<NAME ...>`, or `..`, which has no name.
struct LayoutField {
    std::string name{};
    FieldForm form = FieldForm::Single;
    std::string separator{};  ///< of a joined field
    bool is_name = false;     ///< compared as a host name
    std::optional<NumberType> number{};
    std::optional<ByteClass> bytes{};
    std::optional<NumberRange> size{};

    bool operator==(const LayoutField&) const = default;
};

struct LayoutItem;
using LayoutSequence = std::vector<LayoutItem>;
using LayoutChoice = std::vector<LayoutSequence>;

enum class Repeat { Once, Optional, Any, Some };

struct LayoutItem {
    enum class Kind {
        Fixed,   ///< `bytes`
        Number,  ///< `number`
        Braces,  ///< `number`, and `choice`, or none for `..`
        Field,   ///< `field`
        Group,   ///< `choice`
        Rule,    ///< `rule`
        Joined,  ///< `<>`: what `start` reads
    };
    Kind kind = Kind::Fixed;
    Repeat repeat = Repeat::Once;
    std::size_t place = 0;  ///< where it begins in the text of the rule, from 0
    ByteSets bytes{};
    LayoutNumber number{};
    LayoutField field{};
    LayoutChoice choice{};
    std::string rule{};
};

/// Reads one rule.
/// @returns the alternatives, at least one; or what is wrong and where
Result<LayoutChoice, PatternProblem> parse_layout_rule(std::string_view text);

/// Returns what is wrong with the name of a layout, rule or field; empty if nothing is. A rule must not
/// read as a byte or a number.
std::string why_no_layout_name(std::string_view name);

/// Returns the word for a type, such as `u16`.
std::string_view to_string(NumberType type);
/// Returns how many bytes a number has at least and at most.
NumberRange size_of(NumberType type);
/// Returns the largest number of a type.
std::uint32_t largest_of(NumberType type);

}  // namespace portsplit::core
