// How it works. An entry is a sequence of byte sets; a node stands for the sequence of sets that
// leads to it, so entries with a common beginning share nodes. Edges with different sets may hold
// the same byte ("30-39" and "3?"), so `find` may have to follow several edges from one node.
//
// - Build: sort the entries. Then those with a common beginning are neighbours, and a node is a
//   range of them; shorter entries come first. Where only one entry goes on, its remaining sets are
//   not made into nodes: they are compared one by one (`rest`). 10,000 patterns thus need few
//   nodes.
// - Find: from the root, each byte leads to one child by bisection among the edges of single bytes,
//   and to every child whose larger set holds the byte. On the way, the smallest service that ends
//   at a visited node matches. Where the bytes end, the smallest service below may still match.
// - Cost: with single bytes only, one path as long as the shared beginning. Larger sets that
//   overlap add paths; at worst the tree does what a scan of all entries would do.
#include "core/prefix_tree.h"

#include <algorithm>
#include <utility>

namespace portsplit::core {
namespace {

/// The order matters: `for_each_child` finds single bytes by bisection, so they come first, sorted.
bool edge_before(const ByteSet& a, const ByteSet& b) {
    if (a.is_single() != b.is_single()) return a.is_single();
    return a < b;
}

void lower(std::uint32_t& smallest, std::uint32_t candidate) {
    smallest = std::min(smallest, candidate);
}

}  // namespace

/// Makes nodes and edges of the sorted entries, level by level.
class PrefixTree::Builder {
  public:
    explicit Builder(PrefixTree& tree) : tree_(tree) {}

    void build() {
        tree_.nodes_.emplace_back();
        pending_.push_back({0, 0, tree_.entries_.size()});
        for (std::size_t i = 0; i < pending_.size(); ++i) make_node(pending_[i]);
        tree_.nodes_.shrink_to_fit();
        tree_.edges_.shrink_to_fit();
    }

  private:
    /// A node to be made: the entries [begin, end) have the sets that lead to it in common.
    struct Pending {
        std::uint32_t node;
        std::size_t begin;
        std::size_t end;
    };

    void make_node(Pending pending) {
        Node node = tree_.nodes_[pending.node];
        std::size_t next = pending.begin;
        // Shorter entries sort first: those that end here come before those that go on.
        for (; next < pending.end && sets_of(next).size() == node.depth; ++next) {
            lower(node.ends_here, tree_.entries_[next].service);
        }
        for (std::size_t i = next; i < pending.end; ++i) {
            lower(node.below, tree_.entries_[i].service);
        }
        if (pending.end - next == 1) {
            node.rest = static_cast<std::uint32_t>(next);
        } else {
            make_edges(node, next, pending.end);
        }
        tree_.nodes_[pending.node] = node;
    }

    void make_edges(Node& node, std::size_t begin, std::size_t end) {
        node.first_edge = static_cast<std::uint32_t>(tree_.edges_.size());
        while (begin < end) {
            const ByteSet set = sets_of(begin)[node.depth];
            std::size_t same = begin + 1;
            while (same < end && sets_of(same)[node.depth] == set) ++same;
            const auto child = static_cast<std::uint32_t>(tree_.nodes_.size());
            tree_.nodes_.push_back({.depth = node.depth + 1});
            tree_.edges_.push_back({set, child});
            ++(set.is_single() ? node.single_edges : node.other_edges);
            pending_.push_back({child, begin, same});
            begin = same;
        }
    }

    const ByteSets& sets_of(std::size_t entry) const { return tree_.entries_[entry].sets; }

    PrefixTree& tree_;
    std::vector<Pending> pending_;
};

PrefixTree::PrefixTree(std::vector<Entry> entries) : entries_(std::move(entries)) {
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
        return std::lexicographical_compare(a.sets.begin(), a.sets.end(), b.sets.begin(),
                                            b.sets.end(), edge_before);
    });
    Builder(*this).build();
}

PrefixTree::First PrefixTree::find(Bytes seen) const {
    Smallest smallest;
    // Nodes still to visit beside `next`: empty unless overlapping sets hold the same byte. A
    // vector that stays empty allocates nothing.
    std::vector<std::uint32_t> waiting;
    for (const Node* at = nodes_.data(); at != nullptr;) {
        const Node& node = *at;
        lower(smallest.matching, node.ends_here);
        std::uint32_t next = kNone;
        if (node.rest != kNone) {
            compare_rest(node, seen, smallest);
        } else if (node.depth == seen.size()) {
            lower(smallest.open, node.below);
        } else {
            for_each_child(node, to_number(seen[node.depth]), [&](std::uint32_t child) {
                if (next != kNone) waiting.push_back(next);
                next = child;
            });
        }
        if (next == kNone && !waiting.empty()) {
            next = waiting.back();
            waiting.pop_back();
        }
        at = next == kNone ? nullptr : nodes_.data() + next;
    }
    First first;
    if (smallest.matching != kNone) first.matching = smallest.matching;
    if (smallest.open != kNone) first.open = smallest.open;
    return first;
}

void PrefixTree::compare_rest(const Node& node, Bytes seen, Smallest& smallest) const {
    const Entry& entry = entries_[node.rest];
    const std::size_t known = std::min(seen.size(), entry.sets.size());
    const Bytes rest = seen.subspan(node.depth, known - node.depth);
    const bool fits =
        std::equal(rest.begin(), rest.end(), entry.sets.begin() + node.depth,
                   [](std::byte byte, const ByteSet& set) { return set.holds(to_number(byte)); });
    if (!fits) return;
    lower(known == entry.sets.size() ? smallest.matching : smallest.open, entry.service);
}

template <typename Take>
void PrefixTree::for_each_child(const Node& node, std::uint8_t byte, Take take) const {
    const Edge* const singles = edges_.data() + node.first_edge;
    const Edge* const others = singles + node.single_edges;
    const Edge* const found = std::lower_bound(
        singles, others, byte,
        [](const Edge& edge, std::uint8_t wanted) { return edge.set.low < wanted; });
    if (found != others && found->set.low == byte) take(found->child);
    for (const Edge* edge = others; edge != others + node.other_edges; ++edge) {
        if (edge->set.holds(byte)) take(edge->child);
    }
}

}  // namespace portsplit::core
