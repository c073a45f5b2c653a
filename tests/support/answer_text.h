#pragma once
// How GoogleTest shows an answer. Every test of this room that compares answers includes it, so
// that they all show the same.

#include <ostream>

#include "core/pattern.h"

namespace portsplit::core {

inline void PrintTo(Answer answer, std::ostream* out) { *out << to_string(answer); }

}  // namespace portsplit::core
