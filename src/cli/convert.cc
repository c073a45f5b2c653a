#include "cli/commands.h"
#include "cli/load.h"
#include "cli/output.h"
#include "config/classic.h"
#include "config/libconfig.h"
#include "exit_codes.h"

namespace portsplit::cli {

int convert(const std::string& file, const std::string& spelling) {
    const auto loaded = load_or_complain(file, config::Need::Services);
    if (!loaded) return kExitConfiguration;
    print_issues(loaded->issues, Print::All);
    if (!loaded->config) return kExitConfiguration;

    const bool to_classic =
        spelling.empty() ? loaded->spelling != config::Spelling::Classic : spelling == "classic";
    if (!to_classic) return print_result(config::write_libconfig(*loaded->config));
    const auto classic = config::write_classic(*loaded->config);
    if (classic) return print_result(*classic);
    complain_about(file, config::to_string(classic.error()));
    return kExitConfiguration;
}

}  // namespace portsplit::cli
