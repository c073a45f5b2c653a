// Any text as the configuration in force, which a program of another version has written for an upgrade. What is
// read must be written and read as the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "config/packed.h"
#include "daemon/kept_reading.h"
#include "support/checks.h"
#include "support/fuzz_input.h"
#include "sys/file.h"

namespace {

using namespace portsplit;
using core::require;

constexpr std::size_t kLongestInput = 16384;

}  // namespace

// libconfig 1.5 leaks the strings of a text that it cannot parse.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name that LeakSanitizer looks for
extern "C" const char* __lsan_default_suppressions() { return "leak:libconfig\n"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > kLongestInput) return 0;
    const std::string text(data, data + size);
    const sys::User user{7, 8, {9}};
    const auto reading = daemon::reading_of(text, user, config::Need::Services);
    if (!reading) {
        require(core::is_one_line(reading.error()), "a reason is one line");
        return 0;
    }
    core::note_accepted();
    const auto written = daemon::text_of(**reading);
    require(written.has_value(), "what was read can be written");
    const auto again = daemon::reading_of(*written, user, config::Need::Services);
    require(again.ok(), "what was written can be read");
    require(
        *sys::read_memory((*again)->packed.get()) == *sys::read_memory((*reading)->packed.get()),
        "both are the same configuration");
    return 0;
}
