#include "dispatch/inetd.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>

#include "dispatch/log_line.h"
#include "dispatch/progress.h"
#include "dispatch/serve.h"
#include "handoff.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/signals.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using sys::Level;
using sys::UniqueFd;

/// Logs what the dispatcher tells, in the same process. The line of a connection whose program takes
/// this process's place can only be written before that.
class LogReporter final : public Reporter {
  public:
    LogReporter(const core::Plan& plan, sys::Log& log, Parties parties, Clock::time_point accepted)
        : plan_(plan), log_(log), parties_(parties), accepted_(accepted) {}

    void finish(int exit_code) {
        if (written_) return;
        write(exit_code << 8);  // as waitpid(2) would tell of it
    }

  protected:
    void publish(const Progress& progress) override {
        last_ = progress;
        if (progress.failure.stage != Stage::None) {
            log_.line(Level::Error, failure_line(plan_, parties_, progress));
        } else if (becomes_program(plan_, progress)) {
            write(std::nullopt);
        }
    }

  private:
    void write(std::optional<int> status) {
        const auto duration =
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - accepted_);
        log_.line(Level::Info, connection_line(plan_, parties_, last_, status, duration));
        written_ = true;
    }

    const core::Plan& plan_;
    sys::Log& log_;
    Parties parties_;
    Clock::time_point accepted_;
    Progress last_;
    bool written_ = false;
};

std::vector<std::string> own_environment() {
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
    return environment;
}

}  // namespace

int serve_inetd(const core::Plan& plan, sys::Log& log) {
    const auto accepted = Clock::now();
    UniqueFd client(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    const auto local = sys::local_address(STDIN_FILENO);
    if (!client || !local) {
        log.line(Level::Error, "descriptor 0 is not a connected socket; --inetd serves the one "
                               "connection that a super-server passes there");
        return handoff::kExitUsage;
    }
    const auto peer = sys::peer_address(STDIN_FILENO);
    if (!peer) return 0;  // reset before we came
    // The socket stays on one descriptor only, so that its end is seen when the relay ends it.
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(fd);
    if (!sys::open_standard_descriptors()) return handoff::kExitSystem;

    const Setting setting{plan, own_environment(), log.descriptor()};
    LogReporter reporter(plan, log, {*peer, *local}, accepted);
    const int exit_code = serve({std::move(client), *peer, *local, accepted}, setting, reporter);
    reporter.finish(exit_code);
    return exit_code;
}

}  // namespace portsplit::dispatch
