#pragma once
// How GoogleTest prints an answer. Every test that compares answers includes it: tests of one
// program that print a type differently violate the one-definition rule.

#include <ostream>

#include "core/pattern.h"

namespace portsplit::core {

inline void PrintTo(Answer answer, std::ostream* out) { *out << to_string(answer); }

}  // namespace portsplit::core
