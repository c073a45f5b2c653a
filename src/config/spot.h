#pragma once
// Where something stands in the files of a configuration, and how a message says so.

#include <compare>
#include <string>
#include <vector>

namespace portsplit::config {

/// A line of one of the files that a configuration is read from.
struct Spot {
    int file = 0;  ///< in the order in which they are read; 0 is the one that was asked for
    int line = 1;  ///< from 1; where the whole file is meant, 1

    auto operator<=>(const Spot&) const = default;
};

/// `on line 7`, or `at FILE:7` for a message that stands in another file.
/// @param files  the names of all
std::string where(Spot spot, Spot message, const std::vector<std::string>& files);

}  // namespace portsplit::config
