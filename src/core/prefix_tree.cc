// How it works. An entry is a sequence of byte sets; a node stands for the sequence of sets that
// leads to it, so entries with a common beginning share nodes. Children with different sets may hold
// the same byte ("30-39" and "3?"), so `find` may have to visit several children of one node.
//
// - Build: sort the entries. Then those with a common beginning are neighbours, and a node is a
//   range of them; shorter entries come first. Where only one entry goes on, its remaining sets are
//   not made into nodes: they are compared one by one (`rests_`). 10,000 patterns thus need few
//   nodes.
// - Find: from the root, each byte leads to one child by bisection among those of single bytes, and to
//   every child whose larger set holds the byte. On the way, the smallest service that ends
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
bool child_before(const ByteSet& a, const ByteSet& b) {
    if (a.is_single() != b.is_single()) return a.is_single();
    return a < b;
}

void lower(std::uint32_t& smallest, std::uint32_t candidate) {
    smallest = std::min(smallest, candidate);
}

}  // namespace

/// Makes nodes of sorted entries, level by level. Lists that grow leave pieces of memory behind, which an
/// arena cannot use again: so they grow here, and the tree gets a copy.
class PrefixTree::Builder {
  public:
    explicit Builder(const std::vector<Entry>& entries) : entries_(entries) {
        nodes_.emplace_back();
        pending_.push_back({0, 0, entries_.size()});
        for (std::size_t i = 0; i < pending_.size(); ++i) make_node(pending_[i]);
    }

    const std::vector<Node>& nodes() const { return nodes_; }
    const std::vector<ByteSet>& rests() const { return rests_; }
    const std::vector<std::uint32_t>& begun() const { return begun_; }

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
        node.first_begun = static_cast<std::uint32_t>(begun_.size());
        // Shorter entries sort first: those that end here come before those that go on.
        for (; next < pending.end && entries_[next].sets.size() == node.depth; ++next) {
            const Entry& entry = entries_[next];
            if (entry.expression == kNone) {
                lower(node.ends_here, entry.service);
            } else {
                begun_.push_back(entry.expression);
                ++node.begun;
            }
        }
        for (std::size_t i = next; i < pending.end; ++i) lower(node.below, entries_[i].service);
        if (pending.end - next == 1) {
            make_rest(node, entries_[next]);
        } else {
            make_children(node, next, pending.end);
        }
        nodes_[pending.node] = node;
    }

    void make_rest(Node& node, const Entry& entry) {
        node.first_rest = static_cast<std::uint32_t>(rests_.size());
        rests_.insert(rests_.end(), entry.sets.begin() + node.depth, entry.sets.end());
        node.rest_length = static_cast<std::uint32_t>(rests_.size()) - node.first_rest;
        node.rest_expression = entry.expression;
    }

    void make_children(Node& node, std::size_t begin, std::size_t end) {
        node.first_child = static_cast<std::uint32_t>(nodes_.size());
        while (begin < end) {
            const ByteSet set = entries_[begin].sets[node.depth];
            std::size_t same = begin + 1;
            while (same < end && entries_[same].sets[node.depth] == set) ++same;
            const auto child = static_cast<std::uint32_t>(nodes_.size());
            nodes_.push_back({.set = set, .depth = node.depth + 1});
            ++(set.is_single() ? node.single_children : node.other_children);
            pending_.push_back({child, begin, same});
            begin = same;
        }
    }

    const std::vector<Entry>& entries_;
    std::vector<ByteSet> rests_;
    std::vector<std::uint32_t> begun_;
    std::vector<Node> nodes_;
    std::vector<Pending> pending_;
};

PrefixTree::PrefixTree(std::vector<Entry> entries) {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::lexicographical_compare(a.sets.begin(), a.sets.end(), b.sets.begin(),
                                            b.sets.end(), child_before);
    });
    const Builder built(entries);
    rests_.assign(built.rests().begin(), built.rests().end());
    begun_.assign(built.begun().begin(), built.begun().end());
    nodes_.assign(built.nodes().begin(), built.nodes().end());
}

void PrefixTree::enlarge(Crowd& crowd, const std::string& bytes) const {
    Numbers begun;
    (void)find(as_bytes(bytes), begun);
    std::sort(begun.begin(), begun.end());
    const auto end = std::unique(begun.begin(), begun.end());
    const auto count = static_cast<std::size_t>(end - begun.begin());
    if (count > crowd.expressions) crowd = {count, bytes};
}

PrefixTree::Crowd PrefixTree::largest_crowd() const {
    Crowd largest;
    // A walk in depth: `path` has the children that are still to visit at each level.
    using Nodes = std::span<const Node>;
    std::string bytes;
    std::vector<Nodes> path{Nodes(nodes_).first(1)};
    while (!path.empty()) {
        if (path.back().empty()) {
            path.pop_back();
            continue;
        }
        const Node& node = path.back().front();
        path.back() = path.back().subspan(1);
        bytes.resize(node.depth);
        if (node.depth > 0) bytes.back() = static_cast<char>(node.set.first());
        if (node.begun > 0) enlarge(largest, bytes);
        if (node.rest_expression != kNone) {
            for (const ByteSet& set : rest_of(node)) bytes += static_cast<char>(set.first());
            enlarge(largest, bytes);
        }
        path.push_back(
            Nodes(nodes_).subspan(node.first_child, node.single_children + node.other_children));
    }
    return largest;
}

PrefixTree::First PrefixTree::find(Bytes seen, Numbers& begun) const {
    Smallest smallest;
    // Nodes still to visit beside `next`: empty unless overlapping sets hold the same byte. A
    // vector that stays empty allocates nothing.
    std::vector<std::uint32_t> waiting;
    for (const Node* at = nodes_.data(); at != nullptr;) {
        const Node& node = *at;
        lower(smallest.matching, node.ends_here);
        for (std::uint32_t i = 0; i < node.begun; ++i)
            begun.push_back(begun_[node.first_begun + i]);
        std::uint32_t next = kNone;
        if (node.rest_length > 0) {
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
                              Numbers& begun) const {
    const auto sets = rest_of(node);
    Bytes bytes = seen.subspan(node.depth);
    bytes = bytes.first(std::min(bytes.size(), sets.size()));
    const bool fits =
        std::equal(bytes.begin(), bytes.end(), sets.begin(),
                   [](std::byte byte, const ByteSet& set) { return set.holds(to_number(byte)); });
    if (!fits) return;
    // Only this entry goes on from here, so `below` is its service.
    if (bytes.size() < sets.size()) {
        lower(smallest.open, node.below);
    } else if (node.rest_expression == kNone) {
        lower(smallest.matching, node.below);
    } else {
        begun.push_back(node.rest_expression);
    }
}

template <typename Take>
void PrefixTree::for_each_child(const Node& node, std::uint8_t byte, Take take) const {
    const Node* const singles = nodes_.data() + node.first_child;
    const Node* const others = singles + node.single_children;
    const auto number = [this](const Node* child) {
        return static_cast<std::uint32_t>(child - nodes_.data());
    };
    const Node* const found = std::lower_bound(
        singles, others, byte,
        [](const Node& child, std::uint8_t wanted) { return child.set.low < wanted; });
    if (found != others && found->set.low == byte) take(number(found));
    for (const Node* child = others; child != others + node.other_children; ++child) {
        if (child->set.holds(byte)) take(number(child));
    }
}

}  // namespace portsplit::core
