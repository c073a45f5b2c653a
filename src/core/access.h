#pragma once
// Who is allowed by two lists of prefixes: the `allow` and `deny` of a listener, or the `from` and `not-from`
// of a service. The longest prefix decides.
//
// How it works. Prefixes contain each other or have nothing in common, so they cut the addresses into ranges,
// each with one answer. A look-up is a binary search among the beginnings of these ranges.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ip_address.h"
#include "core/memory.h"
#include "core/source.h"

namespace portsplit::core {

class Access {
  public:
    /// Allows everybody.
    Access() = default;
    /// All memory that it keeps comes from the MemoryScope. A prefix that is in both lists is denied.
    /// @param allowed  if empty, who is in no list is allowed
    Access(std::span<const Prefix> allowed, std::span<const Prefix> denied);

    bool allows(const Source& source) const;

    /// Returns true if it depends on the interface of a client.
    bool has_zones() const { return !zoned_.empty(); }

    /// Appends it to bytes for another process of the same build.
    void append_to(std::string& bytes) const;
    /// Takes from the front of bytes what `append_to` wrote. Sorts nothing: so one process can compile a long
    /// list, and another, which must not stop for that, can use it.
    /// @returns nothing if the bytes are anything else
    static std::optional<Access> take_from(std::string_view& bytes);

  private:
    class Sweep;

    /// What a prefix says of the addresses in it.
    struct Answer {
        bool is_allowed = false;
        bool is_given = false;  ///< false outside of all prefixes
        std::uint8_t length = 0;

        bool operator==(const Answer&) const = default;
    };
    struct Entry {
        Prefix prefix;
        bool is_allowed;

        Answer answer() const { return {is_allowed, true, prefix.length}; }
    };
    /// Addresses with one answer. The range ends before the next one.
    struct Range {
        IpAddress first;
        Answer answer;
    };

    Answer find(const Source& source) const;
    bool is_sound() const;

    List<Range> ranges_;  ///< sorted; they cover all addresses, if there are any
    List<Entry> zoned_;   ///< those with a zone
    Answer unix_;
    bool default_ = true;  ///< the answer for who is in no prefix
};

/// Numbers different pairs of lists, so that those that many listeners or services have are compiled once.
class AccessNumbers {
  public:
    static constexpr std::uint32_t kForAll = UINT32_MAX;

    /// A pair; borrows the lists.
    struct Lists {
        std::span<const Prefix> allowed;
        std::span<const Prefix> denied;

        bool operator<(const Lists& other) const;
    };

    /// Returns the number of a pair, from 0; kForAll if both are empty.
    /// @param allowed, denied  must outlive this
    std::uint32_t number_of(std::span<const Prefix> allowed, std::span<const Prefix> denied);

    /// The pairs in the order of their numbers.
    const std::vector<Lists>& all() const { return all_; }

  private:
    std::map<Lists, std::uint32_t> numbers_;
    std::vector<Lists> all_;
};

}  // namespace portsplit::core
