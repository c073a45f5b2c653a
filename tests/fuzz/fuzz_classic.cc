// Any text to the classic reader. What it reads, both spellings must be able to say again; what it
// does not read, it complains about on lines that the text has.

#include "support/reading.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return portsplit::config::fuzz_reader(data, size, portsplit::config::Spelling::Classic);
}
