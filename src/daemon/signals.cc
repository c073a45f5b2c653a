// What the daemon does when a signal arrives or a child ends.

#include "sys/signals.h"

#include <signal.h>

#include <string>
#include <utility>

#include "daemon/daemon.h"
#include "sys/process.h"

namespace portsplit::daemon {
namespace {

using sys::Level;

}  // namespace

void Daemon::obey_signals() {
    while (const auto signal = sys::next_signal(signals_)) obey(*signal);
    reap();  // SIGCHLD may stand for many children, and merges with others
}

void Daemon::obey(int signal) {
    switch (signal) {
        case SIGTERM:
        case SIGINT:
            log_.line(Level::Notice, std::string("stopping at SIG") + sys::signal_name(signal) +
                                         "; connections being served: " +
                                         std::to_string(generations_.connections()));
            exit_code_ = 0;
            return;
        case SIGQUIT:
            if (finishing_) return;
            log_.line(Level::Notice, "listening no more; ending with the last of " +
                                         std::to_string(generations_.connections()) +
                                         " connections");
            finishing_ = true;
            stop_listening();
            return;
        case SIGHUP:
            if (listening_ || change_) (void)begin_change();
            return;
        case SIGUSR1:
            log_.line(Level::Notice,
                      "listening on " + listeners_.text() + "; connections being served: " +
                          std::to_string(generations_.connections()) + " of " +
                          (config_.maxconn == 0 ? "any number" : std::to_string(config_.maxconn)));
            return;
        default:
            return;
    }
}

void Daemon::reap() {
    while (const auto ended = sys::reap()) {
        if (change_ && change_->generation.pid() == ended->pid) {
            abandon_change("the new portsplit-dispatch ended at once (" +
                           sys::describe_status(ended->status) + ")");
        } else if (generations_.on_child_end(*ended, change_ ? 1 : 0) ==
                   Generations::End::Current) {
            log_.line(Level::Error,
                      "portsplit-dispatch died (" + sys::describe_status(ended->status) +
                          "); its connections live on, without a log line at their end: " +
                          std::to_string(generations_.connections()));
            schedule_restart();
        }
        for (Delivery& delivery : generations_.take_untaken()) {
            waiting_.push_back(std::move(delivery));
        }
    }
}

/// Connections already accepted are not forgotten: those that wait are handed over now.
void Daemon::stop_listening() {
    if (!listening_) return;
    listening_ = false;
    change_.reset();
    Generation* current = generations_.current();
    for (const Delivery& delivery : waiting_) {
        if (current == nullptr || !current->hand_over(delivery, Generation::Wait::ForRoom)) break;
    }
    waiting_.clear();
    generations_.retire();
    listeners_.close();
    pid_file_.remove();
}

}  // namespace portsplit::daemon
