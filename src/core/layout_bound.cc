// How it works. A program has no way back but the jump at the end of a repetition. So the longest stream is
// the longest path through it; braces count as the largest number allows, and their inside not at all.
#include "core/layout_bound.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/layout_rules.h"

namespace portsplit::core {
namespace {

using Kind = LayoutOp::Kind;

class Search {
  public:
    explicit Search(const Layout& layout) : layout_(layout), found_(layout.ops().size()) {}

    /// Returns the most bytes that the steps from this one on take; none: there is no bound.
    std::optional<std::size_t> most_from(std::size_t step) {
        Found& found = found_[step];
        if (found.is_open) return std::nullopt;  // a repetition
        if (!found.is_known) {
            found.is_open = true;
            found.most = search(step);
            found.is_open = false;
            found.is_known = true;
        }
        return found.most;
    }

  private:
    using Most = std::optional<std::size_t>;

    struct Found {
        bool is_open = false;  ///< true while the steps behind it are searched
        bool is_known = false;
        Most most{};
    };

    Most search(std::size_t step) {
        const LayoutOp& op = layout_.ops()[step];
        switch (op.kind) {
            case Kind::End:
                return 0;
            case Kind::Fixed:
                return sum(op.count, most_from(step + 1));
            case Kind::Number:
                return sum(size_of(op.type).most, most_from(step + 1));
            case Kind::Push:
                return sum(size_of(op.type).most + (std::size_t{op.most} - op.less),
                           most_from(end_of_braces(step)));
            case Kind::Exact:
            case Kind::While:
            case Kind::Until:
            case Kind::Rest:
                return sum(op.most, most_from(step + 1));
            case Kind::Branch:
                return most_of_branch(op);
            case Kind::Jump:
                return most_from(op.target);
            case Kind::Pop:
            case Kind::Close:
                return most_from(step + 1);
        }
        return std::nullopt;
    }

    Most most_of_branch(const LayoutOp& op) {
        std::size_t most = 0;
        const auto take = [&](std::uint32_t target) {
            const Most it = most_from(target);
            most = std::max(most, it.value_or(0));
            return it.has_value();
        };
        for (const LayoutCase& it : layout_.cases(op)) {
            if (!take(it.target)) return std::nullopt;
        }
        if (op.target != LayoutOp::kNone && !take(op.target)) return std::nullopt;
        return most;
    }

    /// Returns the step that ends the braces which a step begins.
    std::size_t end_of_braces(std::size_t step) const {
        std::size_t depth = 0;
        for (;; ++step) {
            const Kind kind = layout_.ops()[step].kind;
            if (kind == Kind::Push) ++depth;
            if (kind == Kind::Pop && --depth == 0) return step;
        }
    }

    static Most sum(std::size_t bytes, Most more) {
        return more ? Most(bytes + *more) : std::nullopt;
    }

    const Layout& layout_;
    std::vector<Found> found_;
};

}  // namespace

std::optional<std::size_t> longest_stream(const Layout& layout) {
    if (layout.frame()) return std::nullopt;
    return Search(layout).most_from(0);
}

}  // namespace portsplit::core
