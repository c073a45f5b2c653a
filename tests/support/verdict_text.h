#pragma once
// How GoogleTest shows a verdict. Every test of this room that compares verdicts includes it, so
// that they all show the same.

#include <ostream>
#include <string>

#include "core/verdict.h"

namespace portsplit::core {

inline void PrintTo(const Verdict& verdict, std::ostream* out) {
    *out << (verdict.service ? std::to_string(*verdict.service) : "close") << ' '
         << to_string(verdict.reason);
    if (verdict.gave_up) *out << ", " << *verdict.gave_up << " gave up";
}

}  // namespace portsplit::core
