#pragma once
// The rules of one layout, joined: which names are known, how large a rule is, what comes after an item, and
// with which bytes something begins. core/layout.cc compiles them.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_set.h"
#include "core/layout.h"
#include "core/layout_text.h"
#include "core/model.h"

namespace portsplit::core {

/// What comes after an item.
struct Follow {
    ByteSets bytes{};               ///< these; if there are more than Layout::kFarthest, not all
    bool is_end_of_braces = false;  ///< if there are none: the end of the braces
};

/// Different fixed bytes with which something begins; none: it begins with anything.
using Beginnings = std::vector<ByteSets>;

class LayoutRules {
  public:
    static constexpr std::string_view kStart = "start";
    static constexpr std::string_view kFrame = "frame";
    static constexpr std::uint32_t kNoLimit = UINT32_MAX;

    struct Rule {
        std::size_t index;  ///< in the source
        LayoutChoice choice;
        NumberRange size{};  ///< of the streams that fit
        Beginnings beginnings{};
    };

    /// Reads all rules, and finds rules that are unknown, go round in a circle or repeat nothing. After a
    /// problem the rules are not complete.
    /// @param problems  receives what is wrong
    LayoutRules(const LayoutSource& source, std::vector<LayoutProblem>& problems);

    /// Returns the rule of this name; null if there is none.
    const Rule* find(std::string_view name) const;
    /// Returns the indexes of the rules that no other uses.
    std::vector<std::size_t> unused() const;

    // The functions below are for rules without a problem.

    /// Returns how many bytes a choice takes at least and at most.
    NumberRange size_of(const LayoutChoice& choice) const;
    /// Returns what comes after an item.
    /// @param rest  the items behind it in its sequence
    /// @param outer  what comes after that
    Follow follow_of(std::span<const LayoutItem> rest, const Follow& outer) const;
    Beginnings beginnings_of(std::span<const LayoutItem> sequence) const;
    Beginnings beginnings_of(const LayoutItem& item) const;

  private:
    class Checker;

    Beginnings beginnings_of(const LayoutChoice& choice) const;
    NumberRange size_of(const LayoutItem& item) const;
    bool append_leading(std::span<const LayoutItem> items, ByteSets& bytes) const;
    const LayoutChoice* choice_of(const LayoutItem& item) const;

    std::map<std::string, Rule, std::less<>> rules_;
};

/// Returns how many bytes braces of this number may hold.
NumberRange room_of(const LayoutNumber& number);

}  // namespace portsplit::core
