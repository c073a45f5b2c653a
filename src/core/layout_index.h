#pragma once
// One layout and the services that ask about it. Any number of services cost one reading of the stream and
// one look-up of each field. Used by core/plan.h.
//
// How it works. Services that ask the same of all fields but one are a group. That one field, the key of the
// group, has an index (core/field_index.h); what is asked of the others is tested once for the group.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/field_index.h"
#include "core/layout.h"
#include "core/layout_run.h"
#include "core/memory.h"
#include "core/model.h"
#include "core/prefix_tree.h"

namespace portsplit::core {

class LayoutIndex {
  public:
    /// A service that asks.
    struct Entry {
        const LayoutPattern* pattern;
        std::uint32_t service = 0;
    };

    /// All memory that it keeps comes from the MemoryScope. Throws InvalidPattern if the layout or a value is
    /// not valid.
    /// @param entries  sorted by service
    LayoutIndex(const LayoutSource& source, const std::vector<Entry>& entries);

    const Layout& layout() const { return layout_; }

    /// Makes a run want what the services ask.
    void want(LayoutRun& run) const;

    /// Returns the services that a run decides so far.
    PrefixTree::First find(const LayoutRun& run) const;

  private:
    /// What is asked of a field by all services of a group.
    struct Condition {
        std::uint32_t field;
        FieldIndex tests;
    };
    struct Group {
        std::uint32_t first = 0;  ///< the first service
        bool whole = false;
        std::optional<std::uint32_t> key;  ///< the field of `tests`
        FieldIndex tests;
        List<Condition> conditions;
    };
    class Builder;

    PrefixTree::First find(const Group& group, const LayoutRun& run) const;
    Answer answer(const Condition& condition, const LayoutRun& run) const;

    Layout layout_;
    List<Group> groups_;
};

}  // namespace portsplit::core
