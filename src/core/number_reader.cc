#include "core/number_reader.h"

#include <algorithm>

namespace portsplit::core {

NumberState NumberReader::take(std::uint8_t byte) {
    using State = NumberState;
    const std::size_t index = count_++;
    switch (type_) {
        case NumberType::Le16:
        case NumberType::Le32:
            number_ |= std::uint64_t{byte} << (8 * index);
            break;
        case NumberType::Varint:
            number_ |= std::uint64_t{byte & 0x7FU} << (7 * index);
            if ((byte & 0x80) != 0) return count_ == 5 ? State::Wrong : State::Unfinished;
            return number_ > UINT32_MAX ? State::Wrong : State::Whole;
        case NumberType::Ber:
            if (index > 0) break;
            if (byte < 0x80) {
                number_ = byte;
                return State::Whole;
            }
            size_ = 1U + (byte & 0x7FU);
            return size_ == 1 || size_ > 5 ? State::Wrong : State::Unfinished;
        default:
            break;
    }
    const bool is_little = type_ == NumberType::Le16 || type_ == NumberType::Le32;
    if (!is_little) number_ = number_ << 8 | byte;
    return count_ == size() ? State::Whole : State::Unfinished;
}

std::size_t NumberReader::missing() const {
    return std::max<std::size_t>(size(), count_ + 1) - count_;
}

std::size_t NumberReader::size() const { return size_ > 0 ? size_ : size_of(type_).least; }

}  // namespace portsplit::core
