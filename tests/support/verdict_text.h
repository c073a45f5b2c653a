#pragma once
// How GoogleTest prints a verdict. Every test that compares verdicts includes it: tests of one
// program that print a type differently violate the one-definition rule.

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
