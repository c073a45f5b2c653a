#pragma once
// The tree of a file, with lines. Both readers make it from a text, before keys are looked up. After
// include.h has inserted the included files, it is the tree of a whole configuration.

#include <cstddef>
#include <string>
#include <vector>

#include "config/issue.h"

namespace portsplit::config {

enum class Spelling { Classic, Libconfig };

/// How a value was spelled. In the classic spelling every value is Bare; libconfig has types.
enum class Kind { Bare, String, Integer, Float, Boolean, Group, List };

/// A value as text: a number in decimal digits, a boolean as `true` or `false`. The content of
/// a group, or of a list inside a list, is left out.
struct Value {
    Spot spot;
    Kind kind = Kind::Bare;
    std::string text;
    bool is_line = false;  ///< true for a line of a file of values, which has no key and no quotes

    bool operator==(const Value&) const = default;
};

/// Returns the spelling of the file that a value stands in.
inline Spelling spelling_of(const Value& value) {
    return value.kind == Kind::Bare ? Spelling::Classic : Spelling::Libconfig;
}

struct Entry {
    std::string key;
    Spot spot;
    bool is_list = false;  ///< written as a list, even of one value or none
    std::vector<Value> values;
    std::size_t services_above = 0;  ///< of a global entry: how many services stand above it

    bool operator==(const Entry&) const = default;
};

/// The global entries, or those of one listener, service or layout.
struct Section {
    std::string name;
    Spelling spelling = Spelling::Classic;  ///< of the file that it begins in
    Spot spot;
    std::vector<Entry> entries;
    /// True if an include in it failed: keys that seem to be missing may be in that file.
    bool has_gap = false;

    bool operator==(const Section&) const = default;
};

struct Document {
    Section global;
    std::vector<Section> services;
    std::vector<Section> listeners{};
    std::vector<Section> layouts{};  ///< their entries are the rules

    bool operator==(const Document&) const = default;
};

}  // namespace portsplit::config
