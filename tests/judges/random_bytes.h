#pragma once
// Random numbers, bytes and segments. The same seed gives the same, so a failure comes again.

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "judges/judge.h"

namespace portsplit::judges {

using Random = std::mt19937;

/// Returns a number from 0 to `end` - 1.
inline std::size_t below(Random& random, std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

inline char random_byte(Random& random) { return static_cast<char>(below(random, 256)); }

inline std::string random_bytes(Random& random, std::size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = random_byte(random);
    return bytes;
}

/// Returns one of these.
template <typename Values>
const auto& one_of(const Values& values, Random& random) {
    return values[below(random, values.size())];
}

/// Returns how many mutants a test makes: PORTSPLIT_MUTANTS, or `usual`.
inline std::size_t mutants_wanted(std::size_t usual) {
    const char* text = std::getenv("PORTSPLIT_MUTANTS");
    return text == nullptr ? usual : std::stoul(text);
}

inline std::string in_hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        text += kDigits[static_cast<unsigned char>(byte) >> 4];
        text += kDigits[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

/// Cuts a stream at random.
inline Segments in_segments(std::string_view stream, Random& random) {
    Segments segments;
    const std::size_t longest = 1 + below(random, below(random, 3) == 0 ? 20 : stream.size());
    while (!stream.empty()) {
        const std::size_t size = std::min(stream.size(), 1 + below(random, longest));
        segments.push_back(stream.substr(0, size));
        stream.remove_prefix(size);
    }
    return segments;
}

/// Cuts a stream at random, in at most seven segments: for servers that are processes.
inline Segments in_few_segments(std::string_view stream, Random& random) {
    Segments segments;
    for (std::size_t cuts = below(random, 7); cuts > 0 && stream.size() > 1; --cuts) {
        const std::size_t far =
            below(random, 2) == 0 ? std::min<std::size_t>(stream.size(), 12) : stream.size();
        segments.push_back(stream.substr(0, 1 + below(random, far - 1)));
        stream.remove_prefix(segments.back().size());
    }
    segments.push_back(stream);
    return segments;
}

}  // namespace portsplit::judges
