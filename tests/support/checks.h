#pragma once
// The check that the fuzz targets share, and the input of those of core/.

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace portsplit::core {

/// Aborts with the claim if it does not hold, so that a fuzzer keeps the input.
inline void require(bool holds, const char* claim) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", claim);
    std::abort();
}

/// How many inputs the reader under test has accepted. The replay of a corpus fails if it accepts none of them:
/// then the corpus has an old form and checks nothing behind the reader.
inline std::size_t accepted_inputs = 0;

/// Notes that the reader under test has accepted the input.
inline void note_accepted() { ++accepted_inputs; }

/// An input of two parts: a pattern up to the first newline, and a stream after it.
struct PatternAndStream {
    std::string pattern;
    std::string stream;
};

inline PatternAndStream split(std::string_view input) {
    const std::size_t end = input.find('\n');
    if (end == std::string_view::npos) return {std::string(input), ""};
    return {std::string(input.substr(0, end)), std::string(input.substr(end + 1))};
}

}  // namespace portsplit::core
