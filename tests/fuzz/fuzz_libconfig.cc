// Any text to the libconfig reader, and so to libconfig itself, which is not instrumented. What it
// reads, the writer must be able to say again; what it does not read, it complains about on lines
// that the text has.

#include "support/reading.h"

// libconfig 1.5 forgets the strings of what it cannot parse.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name that LeakSanitizer looks for
extern "C" const char* __lsan_default_suppressions() { return "leak:libconfig\n"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return portsplit::config::fuzz_reader(data, size, portsplit::config::Spelling::Libconfig);
}
