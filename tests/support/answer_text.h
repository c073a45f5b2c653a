#pragma once
// How GoogleTest shows an answer. Every test of this room that compares answers includes it, so
// that they all show the same.

#include <cstddef>
#include <ostream>

#include "core/pattern.h"

namespace portsplit::core {

inline void PrintTo(Answer answer, std::ostream* out) {
    constexpr const char* kWords[] = {"no", "gave up", "more", "match"};
    *out << kWords[static_cast<std::size_t>(answer)];
}

}  // namespace portsplit::core
