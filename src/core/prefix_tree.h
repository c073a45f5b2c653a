#pragma once
// All patterns of fixed length of a configuration in one tree, so that a look costs about as much
// among ten thousand services as among ten. A path from the root spells what the patterns below it
// have in common; where only one is left, its rest hangs on as it is.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/byte_set.h"
#include "core/bytes.h"

namespace portsplit::core {

class PrefixTree {
  public:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    struct Entry {
        ByteSets sets;
        std::uint32_t service = 0;
    };

    /// The services with the smallest index of those that have a pattern which ...
    struct First {
        std::uint32_t matching = kNone;  ///< ... matches
        std::uint32_t open = kNone;      ///< ... may still match
    };

    explicit PrefixTree(std::vector<Entry> entries = {});

    First find(Bytes seen) const;

  private:
    struct Node {
        std::uint32_t depth = 0;          ///< how many bytes lead here
        std::uint32_t ends_here = kNone;  ///< the first service with a pattern that ends here
        std::uint32_t below = kNone;      ///< the first with one that goes on
        std::uint32_t first_edge = 0;     ///< single bytes in their order, then the other sets
        std::uint32_t single_edges = 0;
        std::uint32_t other_edges = 0;
        std::uint32_t rest = kNone;  ///< the entry that is the only one from here on
    };
    struct Edge {
        ByteSet set;
        std::uint32_t child = 0;
    };

    class Builder;

    /// What hangs on at a node, if its bytes so far fit.
    void look_at_rest(const Node& node, Bytes seen, First& first) const;
    /// The children of a node to which a byte leads.
    template <typename Take>
    void for_each_child(const Node& node, std::uint8_t byte, Take take) const;

    std::vector<Entry> entries_;
    std::vector<Node> nodes_;
    std::vector<Edge> edges_;
};

}  // namespace portsplit::core
