#pragma once
// Reads a number of a layout byte by byte. Used by core/layout_run.h.

#include <cstddef>
#include <cstdint>

#include "core/layout_text.h"

namespace portsplit::core {

/// What the bytes so far say about a number.
enum class NumberState { Whole, Unfinished, Wrong };

class NumberReader {
  public:
    explicit NumberReader(NumberType type) : type_(type) {}

    NumberState take(std::uint8_t byte);

    std::uint32_t number() const { return static_cast<std::uint32_t>(number_); }
    /// Returns how many bytes are missing at least.
    std::size_t missing() const;

  private:
    std::size_t size() const;

    NumberType type_;
    std::uint64_t number_ = 0;
    std::size_t count_ = 0;
    std::size_t size_ = 0;  ///< of a ber number, once it is known
};

}  // namespace portsplit::core
