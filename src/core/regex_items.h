#pragma once
// The items of a regular expression, such as `a`, `\d+` and `(?=`, as PCRE2 lists them. Called by regex.cc,
// which explains what for.

#include <string>
#include <string_view>

#include "core/byte_set.h"

namespace portsplit::core {

/// What the items of an expression show, one after the other.
class RegexItems {
  public:
    /// @param expression  the whole text
    explicit RegexItems(std::string_view expression);

    void add(std::string_view item);

    /// Returns true if an item may depend on bytes after those that it takes, or if pcre2_dfa_match(3) does
    /// not support it. Returns true in doubt.
    bool look_ahead() const { return look_ahead_; }

    /// Returns the sets of the bytes with which every match begins. Empty if that is not known.
    ByteSets prefix() const { return has_alternatives_ ? ByteSets() : prefix_; }

  private:
    bool look_ahead_ = false;
    bool has_alternatives_ = false;
    bool is_prefix_ = true;  ///< true while each item so far takes one byte
    bool is_dot_all_;
    int depth_ = 0;
    ByteSets prefix_;
};

/// Returns an expression that has the same items in smaller repeats: `{1}` for `{32}`, `{0,1}` for
/// `{0,500}`. PCRE2 expands repeats, so a callout of a group would come for each of its copies.
/// @param expression  compiles
std::string with_small_repeats(std::string_view expression);

}  // namespace portsplit::core
