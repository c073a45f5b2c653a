// Any text to the libconfig reader, and so to libconfig itself, which is not instrumented. What it
// reads must survive being written; every issue must be on a line that the text has.

#include "support/reading.h"

// libconfig 1.5 leaks the strings of a text that it cannot parse.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name that LeakSanitizer looks for
extern "C" const char* __lsan_default_suppressions() { return "leak:libconfig\n"; }

// fault: A2
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return portsplit::config::fuzz_reader(data, size, portsplit::config::Spelling::Libconfig);
}
