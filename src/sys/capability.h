#pragma once
// The one capability that this project keeps (capabilities(7)): CAP_NET_RAW, for sockets that have an address of
// somebody else (ip(7) IP_TRANSPARENT).

#include "sys/error.h"

namespace portsplit::sys {

/// Makes the capabilities of root stay permitted when the user changes (prctl(2) PR_SET_KEEPCAPS).
void keep_capabilities();
/// Gives up all of them but CAP_NET_RAW, which stays also over execve(2) (prctl(2) PR_CAP_AMBIENT).
Result<Done> leave_net_raw();

/// Gives up CAP_NET_RAW for good, also for programs that this process executes. Does nothing as root, whose
/// programs may need what root can do.
void drop_net_raw();

}  // namespace portsplit::sys
