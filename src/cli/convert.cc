#include <cstdio>

#include "cli/commands.h"
#include "cli/output.h"
#include "config/classic.h"
#include "config/libconfig.h"
#include "config/load.h"
#include "config_file.h"
#include "exit_codes.h"

namespace portsplit::cli {

int convert(const std::string& file, const std::string& spelling) {
    const auto read = load_file(file, config::Need::Services, PORTSPLIT_BIN_TO_PATTERNS);
    if (!read) {
        complain(sys::to_string(read.error()));
        return kExitConfiguration;
    }
    const config::Loaded& loaded = *read;
    for (const config::Issue& issue : loaded.issues) {
        std::fprintf(stderr, "%s\n%s", config::to_string(issue).c_str(), issue.excerpt.c_str());
    }
    if (!loaded.config) return kExitConfiguration;

    const bool to_classic =
        spelling.empty() ? loaded.spelling != config::Spelling::Classic : spelling == "classic";
    if (!to_classic) return print(config::write_libconfig(*loaded.config));
    const auto classic = config::write_classic(*loaded.config);
    if (!classic) {
        std::fprintf(stderr, "%s: %s\n", file.c_str(), config::to_string(classic.error()).c_str());
        return kExitConfiguration;
    }
    return print(*classic);
}

}  // namespace portsplit::cli
