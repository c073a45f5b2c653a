#pragma once
// What the daemon counts of connections. One for the whole daemon: Intake and the generations share it.

#include "daemon/ledger.h"
#include "daemon/refusals.h"

namespace portsplit::daemon {

struct Accounts {
    Ledger ledger;
    Refusals refusals;
};

}  // namespace portsplit::daemon
