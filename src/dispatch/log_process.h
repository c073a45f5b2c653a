#pragma once
// The process that writes the log of one connection under --inetd, where there is no zygote: the dispatcher looks at
// client bytes or relays them, so it must not hold the log. It sends the same messages as to a zygote.

#include <utility>

#include "core/plan.h"
#include "dispatch/sandbox.h"
#include "sys/arrival.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/log.h"

namespace portsplit::dispatch {

class LogProcess {
  public:
    /// Forks it, not as a child: a program that this process becomes must not find one. It has the log and no
    /// descriptor of the client. It confines itself as far as the configuration and the kernel let it, and ends when
    /// this process has ended or become a program.
    /// @param log  stays open here, too
    static sys::Result<LogProcess> fork(const core::Plan& plan, sys::Log& log, LogTo log_to,
                                        const sys::Arrival& arrival);

    /// For ChannelReporter.
    int channel() const { return channel_.get(); }
    /// Waits until all lines are written, at most a second: a super-server may end what this process leaves behind.
    void wait();

  private:
    explicit LogProcess(sys::UniqueFd channel) : channel_(std::move(channel)) {}

    sys::UniqueFd channel_;
};

}  // namespace portsplit::dispatch
