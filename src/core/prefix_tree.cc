#include "core/prefix_tree.h"

#include <algorithm>
#include <utility>

namespace portsplit::core {
namespace {

/// Single bytes first and in their order, so that a node finds them by bisection.
bool edge_before(const ByteSet& a, const ByteSet& b) {
    if (a.is_single() != b.is_single()) return a.is_single();
    return a < b;
}

void lower(std::uint32_t& smallest, std::uint32_t candidate) {
    smallest = std::min(smallest, candidate);
}

}  // namespace

/// Takes the entries in sorted order, in which those with a common beginning stand together, and
/// makes the nodes level by level.
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
    /// The entries [begin, end) have in common what leads to the node.
    struct Pending {
        std::uint32_t node;
        std::size_t begin;
        std::size_t end;
    };

    void make_node(Pending pending) {
        Node node = tree_.nodes_[pending.node];
        std::size_t next = pending.begin;
        // Shorter ones sort first, so what ends here comes before what goes on.
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
    First first;
    // Nodes to which the bytes lead. More than one at a time only where sets overlap.
    std::vector<std::uint32_t> waiting;
    std::uint32_t at = 0;
    while (true) {
        const Node& node = nodes_[at];
        lower(first.matching, node.ends_here);
        std::uint32_t next = kNone;
        if (node.rest != kNone) {
            look_at_rest(node, seen, first);
        } else if (node.depth == seen.size()) {
            lower(first.open, node.below);
        } else {
            for_each_child(node, to_number(seen[node.depth]), [&](std::uint32_t child) {
                if (next != kNone) waiting.push_back(next);
                next = child;
            });
        }
        if (next == kNone) {
            if (waiting.empty()) return first;
            next = waiting.back();
            waiting.pop_back();
        }
        at = next;
    }
}

void PrefixTree::look_at_rest(const Node& node, Bytes seen, First& first) const {
    const Entry& entry = entries_[node.rest];
    const std::size_t known = std::min(seen.size(), entry.sets.size());
    for (std::size_t i = node.depth; i < known; ++i) {
        if (!entry.sets[i].holds(to_number(seen[i]))) return;
    }
    lower(known == entry.sets.size() ? first.matching : first.open, entry.service);
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
