#include "core/names.h"

#include <algorithm>
#include <cstddef>

namespace portsplit::core {

std::string folded_name(std::string_view name) {
    std::string folded(name);
    for (char& c : folded) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    }
    if (folded.ends_with('.')) folded.pop_back();
    return folded;
}

std::string why_no_host_name(std::string_view name) {
    if (name.ends_with(".txt")) return "a file of values is written with an @ before its name";
    // RFC 1035 2.3.4. The text has no dot at its end.
    constexpr std::size_t kLongest = 253;
    constexpr std::size_t kLongestLabel = 63;
    if (const std::size_t scheme = name.find("://"); scheme != name.npos) {
        const std::string_view host = name.substr(scheme + 3);
        return "a client sends the name alone, not a URL; write " +
               std::string(host.substr(0, host.find_first_of("/:?#")));
    }
    const bool is_international =
        std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    if (is_international) {
        return "a client sends such a name in its ASCII form, which begins with xn-- (RFC 5890); "
               "write that, as "
               "idn2(1) prints it";
    }
    if (name.starts_with('!')) {
        return "a value has no sign for not; lead " + std::string(name.substr(1)) +
               " elsewhere with a service above this one";
    }
    if (name.find_first_of("^$|") != name.npos)
        return "an expression begins with ~; write ~" + std::string(name);
    const std::size_t strange = name.find_first_of(" \t,;'\"[]()");
    if (strange != name.npos) {
        const bool is_blank = name[strange] == ' ' || name[strange] == '\t';
        return "a name of a host has no " + (is_blank ? "blank" : std::string(1, name[strange])) +
               "; write one name";
    }
    // A name that is none of a host may be /.
    if (const std::size_t slash = name.find('/'); slash != name.npos && name.find('.') < slash) {
        return "a client sends the name alone, without a path; write " +
               std::string(name.substr(0, slash));
    }
    // An IPv6 address has two colons at least.
    if (std::ranges::count(name, ':') == 1) {
        return "a name has no port here; delete " + std::string(name.substr(name.find(':')));
    }
    std::size_t longest = 0;
    bool has_empty = false;
    for (std::size_t begin = 0; begin <= name.size();) {
        const std::size_t end = std::min(name.find('.', begin), name.size());
        has_empty |= end == begin;
        longest = std::max(longest, end - begin);
        begin = end + 1;
    }
    if (has_empty) return "a name has no two dots side by side; delete one";
    if (name.size() > kLongest || longest > kLongestLabel) {
        return "a name has at most 253 bytes, and 63 between two dots (RFC 1035 2.3.4)";
    }
    return {};
}

}  // namespace portsplit::core
