#pragma once
// The streams that begin with one sequence of byte sets and with none of some others. Called by
// core/shadow.cc to prove that patterns cover another one together.

#include <bitset>
#include <cstddef>
#include <span>
#include <vector>

#include "core/byte_set.h"

namespace portsplit::core {

class Remainder {
  public:
    /// Holds all streams that begin with these sets.
    explicit Remainder(std::span<const ByteSet> sets);

    /// Takes away the streams that begin with other sets. Takes nothing if they are longer than the
    /// sets of the constructor, or if more than `kMostParts` parts would be left.
    /// @returns true if it took a stream away
    bool take(std::span<const ByteSet> sets);

    bool is_empty() const { return parts_.empty(); }

    static constexpr std::size_t kMostParts = 64;

  private:
    using Bytes = std::bitset<256>;
    /// The bytes allowed at each place.
    using Part = std::vector<Bytes>;

    static Part bytes_of(std::span<const ByteSet> sets);

    std::vector<Part> parts_;  ///< no stream is in two of them
};

}  // namespace portsplit::core
