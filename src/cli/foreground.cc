#include <unistd.h>

#include <cstdio>

#include "cli/commands.h"
#include "handoff.h"
#include "sys/process.h"

namespace portsplit::cli {

int run_in_foreground(const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"portsplitd"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);

    // Beside this program, as built; else where it is installed.
    const std::string own = sys::own_folder();
    sys::execute(own + "/portsplitd", all, environment);
    const sys::SysError error =
        sys::execute(own + "/" PORTSPLIT_BIN_TO_SBIN "/portsplitd", all, environment);
    std::fprintf(stderr, "portsplit: %s\n", sys::to_string(error).c_str());
    return handoff::kExitSystem;
}

}  // namespace portsplit::cli
