#pragma once
// What becomes of the client of a case, and how that is printed: for people, and as TAP
// (https://testanything.org) for the programs that collect the results of tests.

#include <cstddef>
#include <string>

#include "cli/cases.h"
#include "cli/terminal.h"
#include "core/plan.h"
#include "core/verdict.h"

namespace portsplit::cli {

/// What a connection gets, in the words of its log line.
struct Outcome {
    std::string service;  ///< `-` for none
    core::Reason reason = core::Reason::Eof;
    std::size_t certain = 0;  ///< after how many first bytes, as `explain` prints it

    bool operator==(const Outcome&) const = default;
};

/// Decides about the client of a case with the code that serves connections. The bytes come one by one.
Outcome outcome_of(const core::Plan& plan, const Case& it);

/// Returns true if the outcome has everything that the case expects.
bool is_expected(const Case& it, const Outcome& outcome);

/// Returns `CASES:LINE: NAME: expected service=..., got service=...` with a newline.
/// @param cases  the name of the file of cases
std::string failure_text(const std::string& cases, const Case& it, const Outcome& outcome,
                         Colour colour);

/// Returns `12 cases: 11 as expected, 1 not`, with a newline.
std::string summary_text(std::size_t count, std::size_t failed, Colour colour);

/// Returns the first lines of TAP, version 13.
std::string tap_head(std::size_t count);

/// Returns `ok N - NAME`, or `not ok N - NAME` and a block of YAML with the difference; with newlines.
std::string tap_text(const std::string& cases, std::size_t number, const Case& it,
                     const Outcome& outcome);

}  // namespace portsplit::cli
