#pragma once
// What the system's files say about looking host names up: /etc/resolv.conf (resolv.conf(5)), the line
// `hosts:` of /etc/nsswitch.conf (nsswitch.conf(5)), and two variables of the environment. resolve.cc
// follows these rules. Name servers are not among them: c-ares reads those itself.
//
// How it works: c-ares 1.18 searches domains by itself, but it takes a tab for a part of a domain, drops
// a domain that begins another one, stops at the domain `.` and at a server failure, and asks the DNS
// before /etc/hosts if `resolve` is before `files`. So the rules are read here, and c-ares gets only
// names with a final dot, which it does not search. The model is getaddrinfo(3) of glibc 2.36.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portsplit::dispatch {

enum class NameSource { Hosts, Dns };

struct NameRules {
    std::vector<NameSource> sources;  ///< in the order in which to use them
    std::vector<std::string> search;  ///< domains without a final dot; the root is empty
    std::size_t ndots = 1;            ///< from so many dots on, a name is first asked for as it is
    /// False: with `search`, a name without a dot is not asked for alone.
    bool as_top_level = true;
    bool ipv6 = true;       ///< false: no AAAA questions
    bool over_tcp = false;  ///< true: all questions go over TCP
};

/// The texts that the rules are made of.
struct NameTexts {
    std::string resolv_conf;
    std::string nsswitch_conf;
    std::optional<std::string> localdomain;  ///< the variable LOCALDOMAIN, which replaces `search`
    std::string res_options;                 ///< the variable RES_OPTIONS, more `options`
    std::string host_name;                   ///< its domain is searched if no other is named
};

/// Returns the rules; for an empty text the system's defaults.
NameRules name_rules(const NameTexts& texts);

/// Reads the files, the environment and the name of this host. A file that is missing or cannot be read
/// counts as empty.
NameTexts read_name_texts();

/// Returns the names to ask the DNS for, one after the other, until one has an address. Each has a final
/// dot.
std::vector<std::string> names_to_ask(std::string_view host, const NameRules& rules);

}  // namespace portsplit::dispatch
