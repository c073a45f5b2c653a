#pragma once
// How the programs end: sysexits(3), and for a dispatcher the codes of a shell and of s6.

namespace portsplit {

inline constexpr int kExitUsage = 64;          ///< the command line is wrong
inline constexpr int kExitSystem = 71;         ///< the operating system refused something
inline constexpr int kExitConfiguration = 78;  ///< the configuration is wrong or cannot be read
inline constexpr int kExitUnused = 99;         ///< a spare dispatcher that got no connection
inline constexpr int kExitTemporary = 111;     ///< no target answered, or a resource is short
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNotFound = 127;

}  // namespace portsplit
