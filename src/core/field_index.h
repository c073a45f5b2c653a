#pragma once
// Which service asks for a value of a field: one look-up among any number of names, then the few tests that
// have to be tried one by one. Immutable, and in the memory of the plan.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/field_test.h"
#include "core/memory.h"
#include "core/pattern.h"
#include "core/regex.h"

namespace portsplit::core {

class FieldIndex {
  public:
    /// A test of a service. All services of an index ask for the same field.
    struct Entry {
        FieldTest test;
        std::uint32_t service = 0;
    };

    /// All memory that it keeps comes from the MemoryScope.
    /// @param entries  sorted by service
    explicit FieldIndex(const std::vector<Entry>& entries = {});

    /// No service. The largest number, so that a minimum ignores it.
    static constexpr std::uint32_t kNone = UINT32_MAX;

    struct Found {
        std::uint32_t first = kNone;    ///< the first service with a test that the value fits
        std::uint32_t gave_up = kNone;  ///< the first before it with an expression that gave up
    };

    /// @param value  of a name, as `folded_name` returns it
    Found find(std::string_view value) const;

  private:
    /// Texts with the first service of each: a hash table with open addressing, half full at most.
    class Table {
      public:
        explicit Table(const std::vector<const Entry*>& entries = {});
        std::uint32_t find(std::string_view text) const;
        /// The size of the longest text: a longer one need not be looked up.
        std::size_t longest() const { return longest_; }

      private:
        struct Slot {
            std::uint32_t first = 0;  ///< in `bytes_`
            std::uint32_t size = 0;
            std::uint32_t service = kNone;  ///< `kNone`: the slot is free
        };

        std::size_t slot_of(std::string_view text) const;
        std::string_view text_of(const Slot& slot) const {
            return std::string_view(bytes_).substr(slot.first, slot.size);
        }

        List<Slot> slots_;
        Text bytes_;
        std::size_t longest_ = 0;
    };

    struct Other {
        FieldTest test;
        std::uint32_t service = 0;
        std::optional<WholeRegex> regex;
    };

    static Answer answer(const Other& other, std::string_view value);

    std::uint32_t any_ = kNone;  ///< the first service that takes every value
    Table exact_;
    Table below_;         ///< `*.x` and `.x`
    List<Other> others_;  ///< sorted by service
};

}  // namespace portsplit::core
