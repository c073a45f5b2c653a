#pragma once
// The layouts of the library as text of mdoc(7), for portsplit-patterns(7).

#include <string>
#include <string_view>
#include <vector>

#include "manual/layout_entry.h"

namespace portsplit::manual {

/// A layout, and the recordings of clients that speak its protocol.
struct LayoutPage {
    LayoutEntry entry;
    /// PATTERN/CLIENT, sorted. Without the pattern where it has the layout's name.
    std::vector<std::string> clients;
};

/// Returns what stands for a recording among the clients of a layout.
/// @param pattern  the folder of the recording
std::string client_name(std::string_view layout, std::string_view pattern, std::string_view client);

/// Returns a table: each layout with its fields.
std::string layout_table(const std::vector<LayoutPage>& pages);

/// Returns the notes, the source, the fields, the rules and the clients of a layout, under a heading.
std::string layout_section(const LayoutPage& page);

}  // namespace portsplit::manual
