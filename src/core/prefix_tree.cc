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
// - Expressions: an entry may be how an expression begins. Where the bytes end within it, the
//   expression answers more; where they contain it whole, the caller asks the expression; else the
//   expression answers no, and costs nothing.
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

/// Makes nodes and edges of sorted entries, level by level. Lists that grow leave pieces of memory behind,
/// which an arena cannot use again: so they grow here, and the tree gets a copy.
class PrefixTree::Builder {
  public:
    explicit Builder(const std::vector<Entry>& entries) : entries_(entries) {
        nodes_.emplace_back();
        pending_.push_back({0, 0, entries_.size()});
        for (std::size_t i = 0; i < pending_.size(); ++i) make_node(pending_[i]);
    }

    const std::vector<Node>& nodes() const { return nodes_; }
    const std::vector<Edge>& edges() const { return edges_; }

  private:
    /// A node to be made: the entries [begin, end) have the sets that lead to it in common.
    struct Pending {
        std::uint32_t node;
        std::size_t begin;
        std::size_t end;
    };

    void make_node(Pending pending) {
        Node node = nodes_[pending.node];
        std::size_t next = pending.begin;
        // Shorter entries sort first: those that end here come before those that go on, and among
        // them whole patterns before beginnings of expressions.
        while (next < pending.end && ends_at(next, node) && entries_[next].expression == kNone) {
            lower(node.ends_here, entries_[next++].service);
        }
        node.first_begun = static_cast<std::uint32_t>(next);
        while (next < pending.end && ends_at(next, node)) ++next;
        node.begun = static_cast<std::uint32_t>(next) - node.first_begun;
        for (std::size_t i = next; i < pending.end; ++i) lower(node.below, entries_[i].service);
        if (pending.end - next == 1) {
            node.rest = static_cast<std::uint32_t>(next);
        } else {
            make_edges(node, next, pending.end);
        }
        nodes_[pending.node] = node;
    }

    void make_edges(Node& node, std::size_t begin, std::size_t end) {
        node.first_edge = static_cast<std::uint32_t>(edges_.size());
        while (begin < end) {
            const ByteSet set = entries_[begin].sets[node.depth];
            std::size_t same = begin + 1;
            while (same < end && entries_[same].sets[node.depth] == set) ++same;
            const auto child = static_cast<std::uint32_t>(nodes_.size());
            nodes_.push_back({.depth = node.depth + 1});
            edges_.push_back({set, child});
            ++(set.is_single() ? node.single_edges : node.other_edges);
            pending_.push_back({child, begin, same});
            begin = same;
        }
    }

    bool ends_at(std::size_t entry, const Node& node) const {
        return entries_[entry].sets.size() == node.depth;
    }

    const std::vector<Entry>& entries_;
    std::vector<Node> nodes_;
    std::vector<Edge> edges_;
    std::vector<Pending> pending_;
};

PrefixTree::PrefixTree(std::vector<Entry> entries) {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        // `kNone` is the largest number; plus one, it is the smallest.
        if (a.sets == b.sets) return a.expression + 1 < b.expression + 1;
        return std::lexicographical_compare(a.sets.begin(), a.sets.end(), b.sets.begin(),
                                            b.sets.end(), edge_before);
    });
    std::size_t sets = 0;
    for (const Entry& entry : entries) sets += entry.sets.size();
    sets_.reserve(sets);
    entries_.reserve(entries.size());
    for (const Entry& entry : entries) {
        entries_.push_back({static_cast<std::uint32_t>(sets_.size()),
                            static_cast<std::uint32_t>(entry.sets.size()), entry.service,
                            entry.expression});
        sets_.insert(sets_.end(), entry.sets.begin(), entry.sets.end());
    }
    const Builder built(entries);
    nodes_.assign(built.nodes().begin(), built.nodes().end());
    edges_.assign(built.edges().begin(), built.edges().end());
}

PrefixTree::Crowd PrefixTree::largest_crowd() const {
    Crowd largest;
    const Stored* before = nullptr;
    std::vector<std::uint32_t> begun;
    for (const Stored& entry : entries_) {
        if (entry.expression == kNone) continue;
        const auto sets = sets_of(entry);
        const bool is_new = before == nullptr || !std::ranges::equal(sets_of(*before), sets);
        before = &entry;
        if (!is_new) continue;
        std::string bytes;
        for (const ByteSet& set : sets) bytes += static_cast<char>(set.first());
        begun.clear();
        (void)find(as_bytes(bytes), begun);
        std::sort(begun.begin(), begun.end());
        const auto end = std::unique(begun.begin(), begun.end());
        const auto count = static_cast<std::size_t>(end - begun.begin());
        if (count > largest.expressions) largest = {count, std::move(bytes)};
    }
    return largest;
}

PrefixTree::First PrefixTree::find(Bytes seen, std::vector<std::uint32_t>& begun) const {
    Smallest smallest;
    // Nodes still to visit beside `next`: empty unless overlapping sets hold the same byte. A
    // vector that stays empty allocates nothing.
    std::vector<std::uint32_t> waiting;
    for (const Node* at = nodes_.data(); at != nullptr;) {
        const Node& node = *at;
        lower(smallest.matching, node.ends_here);
        for (std::uint32_t i = 0; i < node.begun; ++i) {
            begun.push_back(entries_[node.first_begun + i].expression);
        }
        std::uint32_t next = kNone;
        if (node.rest != kNone) {
            compare_rest(node, seen, smallest, begun);
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

void PrefixTree::compare_rest(const Node& node, Bytes seen, Smallest& smallest,
                              std::vector<std::uint32_t>& begun) const {
    const Stored& entry = entries_[node.rest];
    const auto sets = sets_of(entry);
    const std::size_t known = std::min(seen.size(), sets.size());
    const Bytes rest = seen.subspan(node.depth, known - node.depth);
    const bool fits =
        std::equal(rest.begin(), rest.end(), sets.begin() + node.depth,
                   [](std::byte byte, const ByteSet& set) { return set.holds(to_number(byte)); });
    if (!fits) return;
    if (known < sets.size()) {
        lower(smallest.open, entry.service);
    } else if (entry.expression == kNone) {
        lower(smallest.matching, entry.service);
    } else {
        begun.push_back(entry.expression);
    }
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
