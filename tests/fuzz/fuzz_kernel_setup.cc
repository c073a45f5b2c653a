// Any text as the JSON that ip(8) and nft(8) print. The library throws, so no form of the text may reach a place
// that expects another one.

#include <cstddef>
#include <cstdint>
#include <string>

#include "cli/kernel_setup.h"
#include "support/checks.h"
#include "support/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace portsplit;
    const std::string text(data, data + size);
    cli::KernelSetup setup;
    setup.rules = cli::read_rules(text);
    setup.has_route_v4 = cli::has_turning_route(text);
    setup.has_route_v6 = setup.has_route_v4;
    setup.marked = cli::read_marked(text);
    const bool has_any = !setup.rules.empty() || setup.has_route_v4 || !setup.marked.empty();
    core::require(!has_any || text.starts_with('[') || text.find_first_of("[{") != text.npos,
                  "what is found comes from a list");
    for (const auto& [address, port] : setup.marked) {
        for (const std::string& line : cli::missing_for(setup, address, port)) {
            core::require(core::is_one_line(line), "what is missing is one line");
        }
    }
    if (has_any) core::note_accepted();
    return 0;
}
