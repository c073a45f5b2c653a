#pragma once
// The connection a dispatcher serves.

#include "sys/address.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace portsplit::dispatch {

struct Client {
    sys::UniqueFd fd;
    sys::Ends ends;
    sys::Clock::time_point accepted;  ///< the deadline counts from here
};

}  // namespace portsplit::dispatch
