#pragma once
// The exit codes of all three programs: sysexits(3), and for a dispatcher also those of a shell and
// of s6.

namespace portsplit {

inline constexpr int kExitUsage = 64;           ///< the command line is wrong
inline constexpr int kExitSystem = 71;          ///< a system call failed
inline constexpr int kExitConfiguration = 78;   ///< the configuration is wrong or cannot be read
inline constexpr int kExitUnused = 99;          ///< a spare dispatcher that got no connection
inline constexpr int kExitTemporary = 111;      ///< no target answered, or a resource is exhausted
inline constexpr int kExitNotExecutable = 126;  ///< the program was found but did not start
inline constexpr int kExitNotFound = 127;       ///< the program does not exist

}  // namespace portsplit
