#pragma once
// The words of a command line, and advice on those that are wrong. For all programs: each reads its own
// options itself.

#include <string>
#include <string_view>
#include <vector>

namespace portsplit::config {

/// Returns the first word that is no option and no value of one; empty if there is none.
/// @param arguments  without the name of the program, as for all functions here
std::string first_word(const std::vector<std::string>& arguments);

/// Returns what to write instead of an option that other programs have to test a file or to name it, such as
/// -t and -f; empty if there is no such option.
/// @param program  what the file is an argument of: `portsplitd`
std::string advice_on_foreign_option(const std::vector<std::string>& arguments,
                                     std::string_view program);

/// Returns the message for an option that getopt_long(3) refuses: that advice, or the option.
/// @param option  as written
std::string why_wrong_option(const std::vector<std::string>& arguments, std::string_view option,
                             std::string_view program);

/// Returns what is wrong with a value of `--log` that is a word of other programs, such as `journal`: it
/// would be a file of that name in the working directory. Empty for any other value.
std::string why_no_log(std::string_view where);

}  // namespace portsplit::config
