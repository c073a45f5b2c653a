// How a value is packed: its place as a number; its size times two, plus one if it takes more of the stream
// than its own bytes, or was certain later; then both of these; its bytes. A number has seven bits in each
// byte, the low ones first, and the high bit set in all but its last.
#include "core/field_values.h"

#include <cstdint>

namespace portsplit::core {
namespace {

void append_number(std::string& packed, std::size_t number) {
    for (; number >= 0x80; number >>= 7) packed += static_cast<char>(0x80 | (number & 0x7F));
    packed += static_cast<char>(number);
}

std::size_t take_number(std::string_view& packed) {
    std::size_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
        const auto byte = static_cast<std::uint8_t>(packed.front());
        packed.remove_prefix(1);
        number |= std::size_t{byte & 0x7FU} << shift;
        if (byte < 0x80) return number;
    }
}

}  // namespace

void FieldValues::add(const FieldValue& value) {
    const bool is_plain =
        value.end == value.begin + value.text.size() && value.certain == value.end;
    append_number(packed_, value.begin);
    append_number(packed_, value.text.size() << 1 | (is_plain ? 0U : 1U));
    if (!is_plain) {
        append_number(packed_, value.end - value.begin);
        append_number(packed_, value.certain - value.end);
    }
    packed_ += value.text;
    ++size_;
}

FieldValues::Iterator& FieldValues::Iterator::operator++() {
    rest_ = next_;
    if (rest_.empty()) return *this;
    value_.begin = take_number(next_);
    const std::size_t head = take_number(next_);
    const std::size_t size = head >> 1;
    value_.end = value_.begin + ((head & 1) == 0 ? size : take_number(next_));
    value_.certain = value_.end + ((head & 1) == 0 ? 0 : take_number(next_));
    value_.text = next_.substr(0, size);
    next_.remove_prefix(size);
    return *this;
}

}  // namespace portsplit::core
