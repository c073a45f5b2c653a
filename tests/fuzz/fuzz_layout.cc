// Reads a layout and then a stream with it. An input is rules, a line each, an empty line, and the stream.
// Any text may be refused, but none may crash the reader. The stream is read byte by byte, in pieces and at
// once, and by the oracle: all must agree.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/layout.h"
#include "support/layout_comparison.h"

namespace {

using namespace portsplit::core;

constexpr std::size_t kLongestInput = 2048;
constexpr std::size_t kLongestStream = 256;

LayoutSource source_of(std::string_view text) {
    LayoutSource source{"test", {}};
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const std::size_t sign = std::min(line.find('='), line.size());
        std::string_view name = line.substr(0, sign);
        while (name.ends_with(' ')) name.remove_suffix(1);
        source.rules.push_back({Text(name), Text(line.substr(std::min(sign + 1, line.size())))});
    }
    return source;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data),
                                 std::min(size, kLongestInput));
    const std::size_t end = std::min(input.find("\n\n"), input.size());
    const LayoutSource source = source_of(input.substr(0, end));
    const auto layout = Layout::compile(source);
    if (!layout) return 0;
    note_accepted();
    compare(source, *layout,
            input.substr(std::min(end + 2, input.size())).substr(0, kLongestStream));
    return 0;
}
