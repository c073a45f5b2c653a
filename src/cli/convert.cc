#include <cstdio>

#include "cli/commands.h"
#include "cli/output.h"
#include "config/load.h"
#include "config/writer.h"
#include "handoff.h"
#include "included_files.h"
#include "sys/file.h"

namespace portsplit::cli {

int convert(const std::string& file, const std::string& spelling) {
    const auto text = sys::read_file(file);
    if (!text) {
        std::fprintf(stderr, "portsplit: %s\n", sys::to_string(text.error()).c_str());
        return handoff::kExitConfiguration;
    }
    const config::Loaded loaded = config::read(*text, file, config::Need::Services,
                                               included_files(PORTSPLIT_BIN_TO_PATTERNS));
    for (const config::Issue& issue : loaded.issues) {
        std::fprintf(stderr, "%s\n%s", config::to_string(issue).c_str(), issue.excerpt.c_str());
    }
    if (!loaded.config) return handoff::kExitConfiguration;

    const bool to_classic =
        spelling.empty() ? loaded.spelling != config::Spelling::Classic : spelling == "classic";
    if (!to_classic) return print(config::write_libconfig(*loaded.config));
    const auto classic = config::write_classic(*loaded.config);
    if (!classic) {
        std::fprintf(stderr, "%s: %s\n", file.c_str(), config::to_string(classic.error()).c_str());
        return handoff::kExitConfiguration;
    }
    return print(*classic);
}

}  // namespace portsplit::cli
