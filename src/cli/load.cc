#include "cli/load.h"

#include <utility>

#include "cli/output.h"
#include "config_file.h"

namespace portsplit::cli {

std::optional<config::Loaded> load_or_complain(const std::string& file, config::Need need) {
    auto loaded = load_file(file, need, PORTSPLIT_BIN_TO_PATTERNS);
    if (loaded) return *std::move(loaded);
    complain(sys::to_string(loaded.error()));
    return std::nullopt;
}

}  // namespace portsplit::cli
