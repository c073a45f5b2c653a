// portsplitd: listens, and hands each connection to portsplit-dispatch.

#include <unistd.h>

#include <cstdio>

#include "handoff.h"
#include "listener/daemon.h"
#include "listener/options.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/signals.h"

int main(int argc, char** argv) {
    using namespace portsplit;
    // First of all: a descriptor opened later must not become 0, 1 or 2 by chance.
    if (!sys::open_standard_descriptors()) return handoff::kExitSystem;
    sys::reset_signals();

    const listener::CommandLine line = listener::read_command_line(argc, argv);
    if (!line.serve) return line.exit_code;

    auto log = sys::open_log(line.options.log);
    if (!log) {
        std::fprintf(stderr, "portsplitd: %s\n", sys::to_string(log.error()).c_str());
        return handoff::kExitSystem;
    }
    return listener::Daemon(line.options, *log).run();
}
