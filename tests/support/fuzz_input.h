#pragma once
// The bytes of a fuzz target's input, taken from the front. After the last one, numbers are 0 and texts empty.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace portsplit::core {

class FuzzInput {
  public:
    FuzzInput(const std::uint8_t* data, std::size_t size)
        : rest_(reinterpret_cast<const char*>(data), size) {}

    bool is_empty() const { return rest_.empty(); }

    std::uint8_t byte() {
        const std::string_view one = take(1);
        return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one[0]);
    }
    /// Takes a text of which the first byte is the length. Copied: so AddressSanitizer finds a read beyond it.
    std::string short_text() { return std::string(take(byte())); }
    /// Takes what comes before the next separator, which is dropped; all if there is none.
    std::string until(char separator) {
        std::string text(take(std::min(rest_.find(separator), rest_.size())));
        take(1);
        return text;
    }
    std::string rest() { return std::string(take(rest_.size())); }

  private:
    std::string_view take(std::size_t size) {
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(taken.size());
        return taken;
    }

    std::string_view rest_;
};

/// Returns true if a text can be a line of a log or a message.
inline bool is_one_line(std::string_view text) {
    return std::ranges::none_of(text, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
    });
}

}  // namespace portsplit::core
