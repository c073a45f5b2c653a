#pragma once
// Prepares a text for libconfig 1.5, and finds in it what the library does not report.
//
// Limits of libconfig 1.5 that this room works around, and the release that lifts each:
// - An integer is cut to 32 bits without an error. Here each gets an `L`, which makes it 64 bits.
//   (1.7 widens decimal integers by itself, and still cuts hexadecimal ones.)
// - `@include` makes the library open files. Here it is an error. (1.7 takes a function for it.)
// - `\x00` ends a string without an error, because the library returns C strings. Here it is an error.
// - A comment that is not closed takes the rest of the file without an error, and a string that is
//   not closed fails on the last line. Here both are errors on the line where they begin.
// - The name of each member of a group is compared with all before it: 10,000 take a second. So
//   libconfig.cc writes more than 500 services as a list, and builder.h limits their number.
// - A name is a letter or `*`, then letters, digits, `*`, `_` and `-`, and neither `true` nor `false`.
//   So libconfig.cc writes services with other names as a list.
// - The texts of errors are few. libconfig.cc puts them in words that say what to write.
// - A text that is not libconfig's leaks its strings. fuzz_libconfig.cc makes LeakSanitizer ignore it.
// Where no release is named, none is known.

#include <optional>
#include <string>
#include <string_view>

#include "config/issue.h"

namespace portsplit::config {

/// Scans cleaned text as libconfig's own scanner does. Issues: the errors named above.
/// @returns the text to hand to libconfig, with the same lines; a NUL escape is another escape in it,
///          so that the rest of the file is checked too. Nothing if libconfig must not see the text.
std::optional<std::string> prepare_for_libconfig(std::string_view text, FileIssues issues);

}  // namespace portsplit::config
