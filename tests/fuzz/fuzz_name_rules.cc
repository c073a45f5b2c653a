// Any texts as resolv.conf, nsswitch.conf, LOCALDOMAIN, RES_OPTIONS, the name of this host and a name to look up: an
// input has them in this order, with a NUL between.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "dispatch/name_rules.h"
#include "support/checks.h"
#include "support/fuzz_input.h"

namespace {

using namespace portsplit;
using core::require;

template <typename T>
bool are_different(const std::vector<T>& all) {
    return std::set<T>(all.begin(), all.end()).size() == all.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    core::FuzzInput input(data, size);
    dispatch::NameTexts texts;
    texts.resolv_conf = input.until('\0');
    texts.nsswitch_conf = input.until('\0');
    texts.localdomain = input.until('\0');
    if (texts.localdomain == "-") texts.localdomain.reset();
    texts.res_options = input.until('\0');
    texts.host_name = input.until('\0');
    const std::string host = input.until('\0');
    const dispatch::NameRules rules = dispatch::name_rules(texts);
    require(rules.ndots <= 15, "the dots are bounded");
    require(!rules.sources.empty() && are_different(rules.sources),
            "there is a source, and each once");
    // The name of the host is taken as it is.
    const bool is_plain = texts.host_name.find_first_of(" \t") == texts.host_name.npos;
    for (const std::string& domain : rules.search) {
        require(!is_plain || domain.find_first_of(" \t") == domain.npos, "a domain has no blank");
    }
    const auto names = dispatch::names_to_ask(host, rules);
    require(!names.empty() && are_different(names), "there is a name to ask for, and each once");
    require(names.size() <= rules.search.size() + 2,
            "one name for each domain, and the name itself");
    for (const std::string& name : names) {
        require(name.ends_with('.') && name.starts_with(host), "a name begins and ends as it must");
    }
    if (!rules.search.empty()) core::note_accepted();
    return 0;
}
