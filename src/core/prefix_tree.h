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

    /// @param entries  in any order; each has at least one set
    explicit PrefixTree(std::vector<Entry> entries = {});

    /// A stream's first bytes with a beginning of many expressions.
    struct Crowd {
        std::size_t expressions = 0;  ///< how many of them have begun
        std::string bytes;
    };
    /// Returns where the most expressions begin alike. Takes longer the more expressions there are.
    Crowd largest_crowd() const;

    /// @param begun  appends each expression with a beginning that the bytes contain whole, in any
    ///               order. An expression may be there twice if several of its beginnings fit.
    First find(Bytes seen, std::vector<std::uint32_t>& begun) const;

  private:
    /// An entry, without its sets.
    struct Stored {
        std::uint32_t first_set = 0;  ///< in `sets_`
        std::uint32_t length = 0;
        std::uint32_t service = 0;
        std::uint32_t expression = kNone;
    };
    struct Node {
        std::uint32_t depth = 0;          ///< how many bytes lead here
        std::uint32_t ends_here = kNone;  ///< the first service with a pattern of just this length
        std::uint32_t below = kNone;      ///< the first service with a longer entry through here
        std::uint32_t first_begun = 0;    ///< the entries of just this length that have expressions
        std::uint32_t begun = 0;          ///< how many of them, from `first_begun` on
        std::uint32_t first_edge = 0;
        std::uint32_t single_edges = 0;  ///< edges of one byte, sorted by it, from `first_edge` on
        std::uint32_t other_edges = 0;   ///< edges of larger sets, after the single ones
        std::uint32_t rest = kNone;      ///< the only entry that goes on from here: has no edges
    };
    struct Edge {
        ByteSet set;
        std::uint32_t child = 0;
    };
    struct Smallest {
        std::uint32_t matching = kNone;
        std::uint32_t open = kNone;
    };

    class Builder;

    /// Compares the bytes with the rest of the only entry at a node.
    void compare_rest(const Node& node, Bytes seen, Smallest& smallest,
                      std::vector<std::uint32_t>& begun) const;
    /// Calls `take` with each child to which the byte leads: at most one by a single byte, and any
    /// number by larger sets.
    template <typename Take>
    void for_each_child(const Node& node, std::uint8_t byte, Take take) const;

    std::span<const ByteSet> sets_of(const Stored& entry) const {
        return std::span(sets_).subspan(entry.first_set, entry.length);
    }

    List<ByteSet> sets_;    ///< of all entries
    List<Stored> entries_;  ///< sorted by their sets
    List<Node> nodes_;
    List<Edge> edges_;
};

}  // namespace portsplit::core
