// The program portsplitd: accepts connections and hands each to portsplit-dispatch.

#include <unistd.h>

#include <cstdio>
#include <new>

#include "daemon/daemon.h"
#include "daemon/options.h"
#include "daemon/successor.h"
#include "exit_codes.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/process.h"
#include "sys/signals.h"

int main(int argc, char** argv) {
    using namespace portsplit;
    // The order matters: first, so that no descriptor opened later becomes 0, 1 or 2.
    if (!sys::open_standard_descriptors()) return kExitSystem;
    // A daemon that became this program has blocked its signals, and some may be pending.
    if (!daemon::takes_over(argc, argv)) sys::reset_signals();
    // Dispatchers and programs may be of the same user: they must not reach the listening sockets.
    sys::refuse_tracing();

    const daemon::CommandLine line = daemon::read_command_line(argc, argv);
    if (!line.can_take.empty()) return daemon::answer_predecessor(line.can_take);
    if (!line.serve) return line.exit_code;

    auto log = daemon::log_for(line.options);
    if (!log) {
        std::fprintf(stderr, "portsplitd: %s\n", sys::to_string(log.error()).c_str());
        return kExitSystem;
    }
    try {
        return daemon::Daemon(line.options, *log).run();
    } catch (const std::bad_alloc&) {
        log->line(sys::Level::Error, "cannot allocate memory; exiting, and connections go on");
        return kExitSystem;
    }
}
