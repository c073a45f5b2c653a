#pragma once
// All patterns of fixed length of a configuration in one tree. In the bench, one look takes three to six
// times as long among 10,000 services as among ten; comparing one by one, several hundred times.
// Used by core/plan.h.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/byte_set.h"
#include "core/bytes.h"

namespace portsplit::core {

class PrefixTree {
  public:
    struct Entry {
        ByteSets sets;
        std::uint32_t service = 0;
    };

    /// The services with the smallest index among those with such a pattern, if there are any.
    struct First {
        std::optional<std::size_t> matching;  ///< has a pattern that matches
        std::optional<std::size_t> open;      ///< has one that needs more bytes and may still match
    };

    /// @param entries  in any order; each has at least one set
    explicit PrefixTree(std::vector<Entry> entries = {});

    First find(Bytes seen) const;

  private:
    /// No node, entry or service. The largest number, so that the minimum of services ignores it.
    static constexpr std::uint32_t kNone = UINT32_MAX;

    struct Node {
        std::uint32_t depth = 0;          ///< how many bytes lead here
        std::uint32_t ends_here = kNone;  ///< the first service with a pattern of just this length
        std::uint32_t below = kNone;      ///< the first service with a longer one through here
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
    void compare_rest(const Node& node, Bytes seen, Smallest& smallest) const;
    /// Calls `take` with each child to which the byte leads: at most one by a single byte, and any
    /// number by larger sets.
    template <typename Take>
    void for_each_child(const Node& node, std::uint8_t byte, Take take) const;

    std::vector<Entry> entries_;
    std::vector<Node> nodes_;
    std::vector<Edge> edges_;
};

}  // namespace portsplit::core
