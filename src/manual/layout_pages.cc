#include "manual/layout_pages.h"

#include <fmt/format.h>

#include "manual/mdoc.h"

namespace portsplit::manual {

std::string client_name(std::string_view layout, std::string_view pattern,
                        std::string_view client) {
    if (pattern == layout) return std::string(client);
    return fmt::format("{}/{}", pattern, client);
}

std::string layout_table(const std::vector<LayoutPage>& pages) {
    std::string text = ".Bl -column \"proxy-protocol\"\n.It Em Layout Ta Em Fields\n";
    for (const LayoutPage& page : pages) {
        std::vector<std::string> names;
        for (const LayoutEntry::Field& field : page.entry.fields) names.push_back(field.name);
        text += fmt::format(".It {} Ta\n{}\n", page.entry.name,
                            escaped(fmt::format("{}", fmt::join(names, ", "))));
    }
    return text + ".El\n";
}

std::string layout_section(const LayoutPage& page) {
    const LayoutEntry& entry = page.entry;
    std::string text = fmt::format(".Ss Layout {}\n", entry.name);
    text += sentences(entry.title) + sentences(entry.notes);
    text += fmt::format(".Pp\nSource: {}.\n", escaped(entry.source));
    text += ".Bl -tag -width Ds\n";
    for (const LayoutEntry::Field& field : entry.fields)
        text +=
            fmt::format(".It {}.{}\n{}", entry.name, escaped(field.name), sentences(field.meaning));
    text += ".El\n.Bd -literal -offset indent\n";
    for (const std::string& line : entry.lines) text += fmt::format("\\&{}\n", escaped(line));
    text += ".Ed\n";
    if (!page.clients.empty()) {
        text += fmt::format(".Pp\nRecorded: {}.\n",
                            escaped(fmt::format("{}", fmt::join(page.clients, ", "))));
    }
    return text;
}

}  // namespace portsplit::manual
