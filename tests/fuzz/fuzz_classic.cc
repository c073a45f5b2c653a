// Any text to the classic reader. What it reads must survive being written in both spellings; every
// issue must be on a line that the text has.

#include "support/reading.h"

// fault: A2
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return portsplit::config::fuzz_reader(data, size, portsplit::config::Spelling::Classic);
}
