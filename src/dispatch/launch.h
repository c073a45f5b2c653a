#pragma once
// The one way a program is started, whatever its descriptors are.

#include <string>
#include <vector>

#include "core/model.h"
#include "sys/error.h"

namespace portsplit::dispatch {

/// Where a program's descriptors 0, 1 and 2 lead: any three open descriptors, one of them twice if
/// need be.
struct StandardDescriptors {
    int in;
    int out;
    int err;
};

/// Becomes the program: default signals, an empty mask, umask 022, blocking descriptors 0 and 1, no
/// other descriptor than 0, 1 and 2. Returns only when it cannot be started; nothing has been
/// written anywhere then, but this process is of no other use.
sys::SysError launch(const core::Exec& exec, const StandardDescriptors& descriptors,
                     const std::vector<std::string>& environment);

/// The exit code of a process whose `launch` failed, as a shell has it: 127 not found, else 126.
int exit_code(const sys::SysError& error);

}  // namespace portsplit::dispatch
