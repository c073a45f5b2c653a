#pragma once
// Programs: finding them, replacing this process by one, and the environment they start with.

#include <string>
#include <vector>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// Where programs named without a slash are looked for, and the PATH they start with.
inline constexpr const char* kProgramPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Returns the path of a program: its name if that has a slash, else the first executable file of
/// that name in `kProgramPath`, else the bare name.
std::string find_program(const std::string& name);

/// Returns why this process cannot execute a program, in words; empty when it can. A name without a
/// slash is looked for in `kProgramPath`.
std::string why_not_executable(const std::string& program);

/// Replaces this process by a program (execve(2)). Returns only when that failed.
/// @param environment  `NAME=VALUE` texts, all the program gets
SysError execute(const std::string& path, const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment);

/// The same for a program held open, so that a file replaced on disk is not run (execveat(2)).
SysError execute(const UniqueFd& program, const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment);

/// Returns the environment of this process as `NAME=VALUE` texts (environ(7)).
std::vector<std::string> own_environment();

/// Returns the folder of the running program's file; empty if the kernel does not tell it.
std::string own_folder();

/// Returns the first of these places that exists, without links and dots; the last as it stands if
/// none does.
/// @param places  from the folder of the running program
std::string beside_own(const std::vector<std::string>& places);

}  // namespace portsplit::sys
