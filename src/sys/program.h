#pragma once
// Programs: their paths, execve(2), the environment, and the folder of this program.

#include <string>
#include <string_view>
#include <vector>

#include "sys/error.h"

namespace portsplit::sys {

/// The folders that `find_program` searches, and the PATH in the environment of programs.
inline constexpr const char* kProgramPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Returns the path of a program: its name if that has a slash, else the first executable file of
/// that name in these folders, else the bare name.
/// @param folders  as PATH has them (environ(7))
std::string find_program(const std::string& name, std::string_view folders = kProgramPath);

/// Returns the reason why this process cannot execute a program, as text for a message; empty if it
/// can. Finds the program as `find_program` does.
std::string why_not_executable(const std::string& program);

/// Returns true if the file of a program begins with `#!` (execve(2)). Finds it as `find_program` does.
bool is_script(const std::string& program);

/// Executes a program in place of this process (execve(2)). Returns only if that fails.
/// @param arguments    with argv[0], the program's own name
/// @param environment  the whole environment, as `NAME=VALUE` texts
SysError execute(const std::string& path, const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment);

/// The same for an open file (execveat(2)): it executes that file even if another file has got its
/// path since.
SysError execute(int program, const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment);

/// Returns the environment of this process as `NAME=VALUE` texts (environ(7)).
std::vector<std::string> own_environment();

/// Returns the path of the file of this program (/proc/self/exe), also if another file has it by now; empty if
/// /proc cannot be read.
std::string own_path();

/// Returns the folder of the file of this program (/proc/self/exe); empty if /proc cannot be read.
std::string own_folder();

/// Returns the first of these paths that exists, without symbolic links and `..` (realpath(3)). If
/// none exists, returns the last, unchanged.
/// @param places  relative to the folder of this program
std::string beside_own(const std::vector<std::string>& places);

}  // namespace portsplit::sys
