#pragma once
// The exit codes of all three programs: sysexits(3), for a dispatcher also those of a shell and
// of s6, and 1 as diff(1) and grep(1) have it.

namespace portsplit {

inline constexpr int kExitUnexpected = 1;       ///< not as it should be: a case, or this system
inline constexpr int kExitUsage = 64;           ///< the command line is wrong
inline constexpr int kExitSystem = 71;          ///< a system call failed
inline constexpr int kExitConfiguration = 78;   ///< the configuration is wrong or cannot be read
inline constexpr int kExitUnused = 99;          ///< a spare dispatcher that got no connection
inline constexpr int kExitTemporary = 111;      ///< no target answered, or a resource is exhausted
inline constexpr int kExitNotExecutable = 126;  ///< the program was found but did not start
inline constexpr int kExitNotFound = 127;       ///< the program does not exist

}  // namespace portsplit
