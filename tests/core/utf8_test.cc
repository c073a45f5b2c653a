#include "core/utf8.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace portsplit::core {
namespace {

constexpr std::uint32_t kLastCodePoint = 0x10FFFF;

bool is_surrogate(std::uint32_t code_point) { return code_point >= 0xD800 && code_point <= 0xDFFF; }

/// Encodes by the bits alone (RFC 3629, section 3), so any number of up to 21 bits.
std::string encode(std::uint32_t code_point) {
    const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
    const auto continuation = [&](unsigned shift) {
        return byte(0x80 | (code_point >> shift & 0x3F));
    };
    if (code_point < 0x80) return {byte(code_point)};
    if (code_point < 0x800) return {byte(0xC0 | code_point >> 6), continuation(0)};
    if (code_point < 0x10000) {
        return {byte(0xE0 | code_point >> 12), continuation(6), continuation(0)};
    }
    return {byte(0xF0 | code_point >> 18), continuation(12), continuation(6), continuation(0)};
}

std::size_t whole(std::string_view text) {
    return whole_characters(as_bytes(text)).characters.size();
}
bool has_ended(std::string_view text) { return whole_characters(as_bytes(text)).has_ended; }

TEST(WholeCharacters, TakesEveryCharacterAndWaitsForItsLastByte) {
    for (std::uint32_t code_point = 0; code_point <= kLastCodePoint; ++code_point) {
        if (is_surrogate(code_point)) continue;
        const std::string text = encode(code_point);
        ASSERT_EQ(whole(text), text.size()) << code_point;
        ASSERT_FALSE(has_ended(text)) << code_point;
        for (std::size_t size = 1; size < text.size(); ++size) {
            const std::string_view begun = std::string_view(text).substr(0, size);
            ASSERT_EQ(whole(begun), 0U) << code_point;
            ASSERT_FALSE(has_ended(begun)) << code_point;
        }
    }
}

TEST(WholeCharacters, EndsAtTheFirstBytesThatBeginNoCharacter) {
    // Whether some character begins with a byte, and with two bytes.
    std::array<bool, 0x100> first{};
    std::array<bool, 0x10000> second{};
    for (std::uint32_t code_point = 0; code_point <= kLastCodePoint; ++code_point) {
        if (is_surrogate(code_point)) continue;
        const std::string text = encode(code_point);
        const auto lead = static_cast<std::uint8_t>(text[0]);
        first[lead] = true;
        if (text.size() > 1) second[lead << 8U | static_cast<std::uint8_t>(text[1])] = true;
    }
    for (unsigned lead = 0; lead < 0x100; ++lead) {
        ASSERT_EQ(has_ended(std::string(1, static_cast<char>(lead))), !first[lead]) << lead;
        if (lead < 0x80 || !first[lead]) continue;
        for (unsigned next = 0; next < 0x100; ++next) {
            const std::string text{static_cast<char>(lead), static_cast<char>(next)};
            ASSERT_EQ(has_ended(text), !second[lead << 8U | next]) << lead << ' ' << next;
        }
    }
}

TEST(WholeCharacters, EndsWithinACharacterAtAByteThatCannotContinueIt) {
    for (unsigned byte = 0; byte < 0x100; ++byte) {
        const bool continues = (byte & 0xC0) == 0x80;
        const char last = static_cast<char>(byte);
        EXPECT_EQ(has_ended(std::string("a\xE2\x82") + last), !continues) << byte;
        EXPECT_EQ(has_ended(std::string("a\xF1\x80") + last), !continues) << byte;
        EXPECT_EQ(has_ended(std::string("a\xF1\x80\x80") + last), !continues) << byte;
    }
    EXPECT_EQ(whole("a\xE2\x82!"), 1U);
}

TEST(WholeCharacters, TakesNothingOfAnEmptyStream) {
    EXPECT_EQ(whole(""), 0U);
    EXPECT_FALSE(has_ended(""));
}

}  // namespace
}  // namespace portsplit::core
