#pragma once
// What both readers yield: the tree of a file, with lines, before anybody asks what it means.

#include <string>
#include <vector>

namespace portsplit::config {

enum class Spelling { Classic, Libconfig };

/// How a value was spelled. In the classic spelling every value is bare text; libconfig tells
/// types.
enum class Kind { Bare, String, Integer, Float, Boolean, Group, List };

/// A value as text: a number in decimal digits, a boolean as `true` or `false`, a group or a nested
/// list without its content.
struct Value {
    int line = 1;
    Kind kind = Kind::Bare;
    std::string text;

    bool operator==(const Value&) const = default;
};

struct Entry {
    std::string key;
    int line = 1;
    bool is_list = false;  ///< written as a list, even of one value or none
    std::vector<Value> values;

    bool operator==(const Entry&) const = default;
};

/// The global entries, or those of one service.
struct Section {
    std::string name;
    int line = 1;
    std::vector<Entry> entries;

    bool operator==(const Section&) const = default;
};

struct Document {
    Spelling spelling = Spelling::Classic;
    Section global;
    std::vector<Section> services;

    bool operator==(const Document&) const = default;
};

}  // namespace portsplit::config
