#pragma once
// All patterns of fixed length of a configuration in one tree, and the known beginnings of its
// expressions. In the bench, one look takes three to six times as long among 10,000 services as among
// ten; comparing one by one, several hundred times. Used by core/plan.h.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/byte_set.h"
#include "core/bytes.h"
#include "core/memory.h"

namespace portsplit::core {

class PrefixTree {
  public:
    /// No expression, node, entry or service. The largest number, so that a minimum ignores it.
    static constexpr std::uint32_t kNone = UINT32_MAX;

    struct Entry {
        ByteSets sets;
        std::uint32_t service = 0;
        /// `kNone`: the sets are a whole pattern. Else they are how every stream begins that this
        /// expression matches.
        std::uint32_t expression = kNone;
    };

    /// The services with the smallest index among those with such a pattern, if there are any.
    struct First {
        std::optional<std::size_t> matching;  ///< has a pattern of fixed length that matches
        std::optional<std::size_t> open;      ///< has one that needs more bytes and may still match
    };

    /// @param entries  in any order; one without a set fits every stream at once
    explicit PrefixTree(std::vector<Entry> entries = {});

    /// A stream's first bytes with a beginning of many expressions.
    struct Crowd {
        std::size_t expressions = 0;  ///< how many of them have begun
        std::string bytes;
    };
    /// Returns where the most expressions begin alike. Of each set it tries the smallest byte, so where sets
    /// overlap there may be more. Takes longer the more expressions there are.
    Crowd largest_crowd() const;

    using Numbers = List<std::uint32_t>;
    /// @param begun  appends each expression with a beginning that the bytes contain whole, in any
    ///               order. An expression may be there twice if several of its beginnings fit.
    First find(Bytes seen, Numbers& begun) const;

  private:
    struct Node {
        ByteSet set;                      ///< leads here from the parent
        std::uint32_t depth = 0;          ///< how many bytes lead here
        std::uint32_t ends_here = kNone;  ///< the first service with a pattern of just this length
        std::uint32_t below = kNone;      ///< the first service with a longer entry through here
        std::uint32_t first_begun =
            0;                    ///< in `begun_`: expressions with a beginning of this length
        std::uint32_t begun = 0;  ///< how many of them
        std::uint32_t first_child = 0;
        std::uint32_t single_children = 0;  ///< with a set of one byte, sorted by it
        std::uint32_t other_children = 0;   ///< with larger sets, after the single ones
        /// In `rests_`: the sets after this depth, if only one entry goes on. Then there are no children.
        std::uint32_t first_rest = 0;
        std::uint32_t rest_length = 0;
        std::uint32_t rest_expression = kNone;  ///< as Entry::expression
    };
    struct Smallest {
        std::uint32_t matching = kNone;
        std::uint32_t open = kNone;
    };

    class Builder;

    /// Compares the bytes with the rest of the only entry at a node.
    void compare_rest(const Node& node, Bytes seen, Smallest& smallest, Numbers& begun) const;
    /// Calls `take` with each child to which the byte leads: at most one by a single byte, and any
    /// number by larger sets.
    template <typename Take>
    void for_each_child(const Node& node, std::uint8_t byte, Take take) const;
    /// Makes `crowd` that of these bytes, if more expressions have begun there.
    void enlarge(Crowd& crowd, const std::string& bytes) const;

    std::span<const ByteSet> rest_of(const Node& node) const {
        return std::span(rests_).subspan(node.first_rest, node.rest_length);
    }

    // In this order, what most connections read lies close together.
    List<ByteSet> rests_;
    Numbers begun_;
    List<Node> nodes_;  ///< level by level, the children of a node side by side
};

}  // namespace portsplit::core
