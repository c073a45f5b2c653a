#pragma once
// The system calls that the processes of a generation make, each with its reason. seccomp(2) ends a process that
// makes another.

#include <vector>

#include "sys/seccomp.h"

namespace portsplit::dispatch {

/// What decides which calls a process needs.
struct Work {
    bool forks = false;   ///< it is a zygote; else it serves one connection and exits
    bool sniffs = false;  ///< it looks at first bytes for another process, and connects to nothing
    bool names = false;   ///< a target is a host name
    bool unix_targets = false;   ///< a target is a Unix-domain socket
    bool zones = false;          ///< a target has a zone, as fe80::1%eth0
    bool transparent = false;    ///< a target sees the client's address
    bool own_addresses = false;  ///< a target may be an address of this machine: sys::is_own
    bool syslog = false;         ///< the log connects to syslog anew when that was restarted
    int log = -1;                ///< the descriptor of the log, whose file can be replaced
    int progress = -1;           ///< the channel that dispatchers share; -1: none
};

std::vector<sys::AllowedCall> allowed_calls(const Work& work);

}  // namespace portsplit::dispatch
