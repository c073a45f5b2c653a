// Any text to what recognises a configuration of another program.

#include <cstddef>
#include <cstdint>
#include <string>

#include "config/foreign.h"
#include "support/checks.h"
#include "support/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace portsplit;
    constexpr std::size_t kLongest = 4096;
    if (size > kLongest) return 0;
    const std::string text(data, data + size);
    const std::string message = config::why_foreign(text);
    if (message.empty()) return 0;
    core::note_accepted();
    core::require(message.starts_with("this looks like ") && core::is_one_line(message),
                  "the message is one line, without a byte of the text");
    core::require(config::why_foreign("\n\n" + text) == message, "empty lines change nothing");
    return 0;
}
