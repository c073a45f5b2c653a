#include "cli/output.h"

#include <unistd.h>

#include <cstdio>

#include "exit_codes.h"
#include "sys/file.h"

namespace portsplit::cli {

int print(std::string_view text) {
    // Not by stdio, which may forget why it could not write.
    const auto written = sys::write_all(STDOUT_FILENO, text);
    if (written) return 0;
    const sys::SysError error{written.error().code, "cannot write standard output"};
    complain(sys::to_string(error));
    return kExitSystem;
}

void complain(const std::string& what) { std::fprintf(stderr, "portsplit: %s\n", what.c_str()); }

}  // namespace portsplit::cli
