#pragma once
// Capabilities (capabilities(7)): giving up those that are not needed. Relays keep none but CAP_NET_RAW, for sockets
// that have an address of somebody else (ip(7) IP_TRANSPARENT).

#include <cstdint>
#include <vector>

#include "sys/error.h"

namespace portsplit::sys {

/// Those that this project uses, by their numbers in <linux/capability.h>.
enum class Capability : std::uint8_t {
    Chown = 0,
    DacOverride = 1,
    Fowner = 3,
    Kill = 5,
    SetGid = 6,
    SetUid = 7,
    SetPcap = 8,
    NetBindService = 10,
    NetRaw = 13,
    SysNice = 23,
    SysResource = 24,
};

/// Returns true if this process may use it now (the effective set).
bool has_capability(Capability capability);
/// Returns true if a process may that this one forks and that executes a program of ours: of root all that the bounding
/// set has, of another user what it has itself.
bool passes_on(Capability capability);

/// Gives up all capabilities of this process for good but these, of those that it has. What a program of root that it
/// executes may have, stays (the bounding set).
Result<Done> leave_only(const std::vector<Capability>& kept);
/// Uses only these from now on. `use_all` takes back those that are not used.
Result<Done> use_only(const std::vector<Capability>& used);
Result<Done> use_all();
/// Returns those that this process uses (the effective set).
std::vector<Capability> used_capabilities();

/// Ends what a program that this process executes would inherit, but for CAP_NET_RAW: all other inheritable and
/// ambient capabilities. Root's programs have all that root may have all the same.
void limit_inherited();

enum class Except { Nothing, NetRaw };
/// Gives up all capabilities of this process for good, also as root; and, if it may, those that a program which
/// it executes could have (the bounding set).
Result<Done> leave_none(Except except);

/// Returns true if a program that this process executes has CAP_NET_RAW, unless its own file says otherwise: as root
/// by the bounding set, else by the ambient set.
bool passes_on_net_raw();

/// Makes the capabilities of root stay permitted when the user changes (prctl(2) PR_SET_KEEPCAPS).
void keep_capabilities();
/// Gives up all of them but CAP_NET_RAW, which stays also over execve(2) (prctl(2) PR_CAP_AMBIENT).
Result<Done> leave_net_raw();

/// Gives up CAP_NET_RAW for good, also for programs that this process executes.
/// @param has_programs  it may execute one: then this does nothing as root, whose programs may need all that root
///                      can do
void drop_net_raw(bool has_programs);

}  // namespace portsplit::sys
