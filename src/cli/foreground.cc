#include <fmt/core.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "exit_codes.h"
#include "sys/program.h"

namespace portsplit::cli {

int run_in_foreground(const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"portsplitd"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const std::vector<std::string> environment = sys::own_environment();

    // In the folder of this program, as built; else in the folder where it is installed.
    const std::string own = sys::own_folder();
    sys::execute(fmt::format("{}/portsplitd", own), all, environment);
    const sys::SysError error =
        sys::execute(fmt::format("{}/{}/portsplitd", own, PORTSPLIT_BIN_TO_SBIN), all, environment);
    complain(sys::to_string(error));
    return kExitSystem;
}

}  // namespace portsplit::cli
