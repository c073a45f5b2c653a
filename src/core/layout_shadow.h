#pragma once
// What services ask of layouts and can never get, found by proof: every one reported is shadowed, but not
// every shadowed one is reported. The counterpart of core/shadow.h for layouts. Called by the warnings of
// config/.

#include <cstddef>
#include <string>
#include <vector>

#include "core/model.h"
#include "core/shadow.h"

namespace portsplit::core {

/// A value that a service asks of a field, by its place in the configuration.
struct ValuePlace {
    std::size_t service = 0;
    std::size_t layout = 0;     ///< in Service::layouts
    std::size_t condition = 0;  ///< in LayoutPattern::conditions
    std::size_t value = 0;      ///< in FieldCondition::values

    bool operator==(const ValuePlace&) const = default;
};

/// A value that never decides: an earlier service asks the same field of the same layout and nothing else, and
/// every value of the field that fits this one fits it.
struct ValueShadow {
    ValuePlace at;
    ValuePlace by;
    std::string example;  ///< a value of the field that fits both; empty if none was found

    bool operator==(const ValueShadow&) const = default;
};

/// Returns the shadowed values in the order of the configuration, each with the first that shadows it.
/// @param config  valid
std::vector<ValueShadow> find_value_shadows(const Config& config);

/// What a service asks of a layout, while an earlier pattern takes all of its streams.
struct LayoutShadow {
    std::size_t service = 0;
    std::size_t layout = 0;   ///< in Service::layouts
    PatternPlace by{};        ///< a pattern of fixed length
    std::string beginning{};  ///< the bytes with which the shortest such stream begins

    bool operator==(const LayoutShadow&) const = default;
};

/// Returns the shadowed ones in the order of the configuration, each with the first pattern.
/// @param config  valid
std::vector<LayoutShadow> find_layout_shadows(const Config& config);

}  // namespace portsplit::core
