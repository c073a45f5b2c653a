// Any bytes as a packed configuration: what the daemon and its zygote get from the process that
// reads the file. They may be refused. What is read must be packed and read as the same again.

#include <cstddef>
#include <cstdint>
#include <string>

#include "config/packed.h"
#include "support/checks.h"

// fault: F8
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace portsplit;
    // Copied: a view of these bytes as text would need a cast.
    const auto config = config::unpack(std::string(data, data + size), config::Need::Global);
    if (!config) return 0;
    core::note_accepted();
    core::require(config::unpack(config::pack(*config), config::Need::Global) == config,
                  "what was read is packed as the same");
    return 0;
}
