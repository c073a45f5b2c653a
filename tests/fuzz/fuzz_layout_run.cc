// Reads a stream with a generated layout. The first two bytes of an input choose the layout, the rest is the
// stream, which is read byte by byte, at once, and by the oracle: all must agree.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>

#include "core/layout.h"
#include "support/layout_comparison.h"
#include "support/random_layout.h"

using namespace portsplit::core;

// fault: C9
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kLongestStream = 128;
    if (size < 2) return 0;
    std::mt19937 random(data[0] * 256U + data[1]);
    const LayoutSource source = RandomLayout(random).make();
    const auto layout = Layout::compile(source);
    if (!layout) return 0;
    note_accepted();
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    compare(source, *layout, input.substr(2, kLongestStream));
    return 0;
}
