#pragma once
// Advice on a command line that cannot be read, or that names neither a command nor a file. Reads words;
// main.cc reads options.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace portsplit::cli {

/// Returns what is wrong with a command line and what to write; empty if nothing is known about it.
/// @param arguments  without the name of the program
/// @param commands  all there are
/// @param is_file  returns true for the name of a file that exists
std::string advice_on(const std::vector<std::string>& arguments,
                      const std::vector<std::string_view>& commands,
                      const std::function<bool(const std::string&)>& is_file);

/// Returns what to write for an argument behind the FILE of `portsplit explain`; empty if it is an option.
std::string advice_on_input(const std::string& file, const std::string& extra,
                            const std::function<bool(const std::string&)>& is_file);

/// Returns true if a file has this name.
bool names_a_file(const std::string& name);

}  // namespace portsplit::cli
