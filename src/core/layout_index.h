#pragma once
// One layout and the services that ask about it. Any number of services cost one reading of the stream and
// one look-up of each field. Used by core/plan.h.
//
// How it works. Services of one part of the plan that ask the same of all fields but one are a group. That one
// field, the key of the group, has an index (core/field_index.h); what is asked of the others is tested once for the group.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
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
        std::uint32_t part = 0;  ///< of the plan: the services of a part are asked together, or not
    };

    /// What is known of one stream.
    class Reading {
      public:
        /// @param index, parts  must outlive this
        /// @param parts  those that are asked
        Reading(const LayoutIndex& index, std::span<const std::uint32_t> parts);

        /// Returns false if no service is asked. Then the stream need not be read.
        bool is_asked() const { return is_asked_; }
        LayoutRun& run() { return run_; }

      private:
        friend class LayoutIndex;

        /// What a FieldIndex found for the values that came so far: each is looked up once.
        struct Found : FieldIndex::Found {
            std::uint32_t looked_up = 0;  ///< bytes of FieldValues
        };

        bool asks(std::uint32_t part) const {
            return std::ranges::find(parts_, part) != parts_.end();
        }

        std::span<const std::uint32_t> parts_;
        bool is_asked_ = false;
        LayoutRun run_;
        std::vector<Found> found_;  ///< one for each FieldIndex, once a value has come
    };

    /// All memory that it keeps comes from the MemoryScope. Throws InvalidPattern if the layout or a value is
    /// not valid.
    /// @param entries  sorted by service
    /// @param kept  fields whose values are kept although no service may ask them; unknown names mean nothing
    LayoutIndex(const LayoutSource& source, const std::vector<Entry>& entries,
                const std::vector<std::string_view>& kept = {});

    std::string_view name() const { return name_; }
    const Layout& layout() const { return layout_; }
    /// Returns how many groups of services there are, for tests.
    std::size_t groups() const { return groups_.size(); }

    struct First : PrefixTree::First {
        /// The first service with an expression that gave up on a value, whatever else it asks.
        std::optional<std::size_t> gave_up;
    };
    /// Returns the services that a stream decides so far.
    First find(Reading& reading) const;

  private:
    /// What is asked of a field by all services of a group.
    struct Condition {
        std::uint32_t field;
        FieldIndex tests;
    };
    struct Group {
        std::uint32_t first = 0;  ///< the first service
        std::uint32_t part = 0;
        bool whole = false;
        std::optional<std::uint32_t> key;  ///< the field of `tests`
        FieldIndex tests;
        List<Condition> conditions;
        std::size_t number =
            0;  ///< of `tests` among all of the index; those of `conditions` follow
    };
    class Builder;

    First find(const Group& group, Reading& reading) const;
    /// Looks up the values of a field that are new.
    /// @returns what was found for all values so far
    FieldIndex::Found look_up(const FieldIndex& tests, std::uint32_t field, std::size_t number,
                              Reading& reading) const;

    Text name_;
    Layout layout_;
    List<std::uint32_t> kept_;
    List<Group> groups_;
    std::size_t tests_ = 0;  ///< how many FieldIndexes there are
};

}  // namespace portsplit::core
