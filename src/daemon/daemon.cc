#include "daemon/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "exit_codes.h"
#include "sys/process.h"
#include "sys/program.h"
#include "sys/signals.h"

namespace portsplit::daemon {
namespace {

using sys::Clock;
using sys::Level;

/// After descriptors or memory ran out, or a connection could not be handed over.
constexpr std::chrono::milliseconds kShortagePause{100};
/// How many connections one listener may bring before the others have their turn.
constexpr int kAcceptBatch = 32;

}  // namespace

int Daemon::run() {
    if (!prepare_to_serve()) return kExitSystem;
    if (const auto exit_code = begin_change()) return *exit_code;
    while (!exit_code_) wait();
    manager_.stopping("stopped; " + std::to_string(generations_.connections()) +
                      " connections live on");
    stop_listening();
    return *exit_code_;
}

bool Daemon::prepare_to_serve() {
    auto signals = sys::signals_by_fd(
        {SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGCHLD, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE});
    if (!signals) {
        log_.line(Level::Error, sys::to_string(signals.error()));
        return false;
    }
    signals_ = std::move(*signals);
    sys::adopt_orphans();

    // Beside this program, as built; else where it is installed.
    const std::string own = sys::own_folder();
    const std::string installed = own + "/" PORTSPLIT_SBIN_TO_LIBEXEC;
    for (const std::string& folder : {own, installed}) {
        const std::string path = folder + "/portsplit-dispatch";
        launchpad_.program.reset(::open(path.c_str(), O_PATH | O_CLOEXEC));
        if (launchpad_.program) break;
    }
    if (!launchpad_.program) {
        log_.line(Level::Error,
                  "cannot open portsplit-dispatch, neither beside portsplitd nor in " + installed +
                      ": " + sys::error_text(errno));
        return false;
    }
    launchpad_.log = options_.log;
    launchpad_.file = options_.file;
    adopt_passed_sockets();
    return true;
}

void Daemon::adopt_passed_sockets() {
    for (Passed& passed : manager_.take_sockets()) {
        if (!listeners_.adopt(std::move(passed.fd), passed.name)) {
            log_.line(Level::Error, "the service manager passed " + passed.name +
                                        ", which is no listening stream socket and is closed; its "
                                        "unit wants ListenStream= and Accept=no");
        }
    }
}

std::string Daemon::status() const {
    const std::string count = std::to_string(generations_.connections());
    if (finishing_) return "ending with the last of " + count + " connections";
    return "serving " + count + " connections on " + listeners_.text() +
           (reload_failed_ ? "; the last reload failed" : "");
}

/// With a service manager that keeps the sockets, a port that is hardly used costs nothing.
bool Daemon::idle_too_long() {
    const auto now = Clock::now();
    if (generations_.connections() > 0 || !waiting_.empty() || change_) busy_ = now;
    return options_.idle_exit.count() > 0 && listening_ && now >= busy_ + options_.idle_exit;
}

void Daemon::wait() {
    std::vector<pollfd> entries;
    auto until = Clock::time_point::max();
    const auto wake_at = [&until](Clock::time_point when) { until = std::min(until, when); };

    entries.push_back({.fd = signals_.get(), .events = POLLIN, .revents = 0});
    for (const int channel : generations_.channels()) {
        entries.push_back({.fd = channel, .events = POLLIN, .revents = 0});
    }
    const auto channels = static_cast<std::ptrdiff_t>(entries.size()) - 1;
    const bool has_current = generations_.current() != nullptr;
    const bool waiting = has_current && !waiting_.empty() && has_room();
    if (waiting && wants_room_) entries[1].events |= POLLOUT;
    if (change_) {
        entries.push_back({.fd = change_->generation.channel(), .events = POLLIN, .revents = 0});
        wake_at(change_->deadline);
    }
    if (!has_current && !change_ && listening_) wake_at(restart_at_);
    if (options_.idle_exit.count() > 0) wake_at(busy_ + options_.idle_exit);
    if (listening_ || finishing_) wake_at(manager_.due());
    if (waiting && !wants_room_) wake_at(Clock::now() + kShortagePause);

    const std::size_t first_listener = entries.size();
    if (can_accept()) {
        if (Clock::now() < accept_at_) {
            wake_at(accept_at_);
        } else {
            for (const Listener& listener : listeners_.all()) {
                entries.push_back({.fd = listener.fd.get(), .events = POLLIN, .revents = 0});
            }
        }
    }

    const int ready = ::poll(entries.data(), entries.size(), sys::poll_timeout(until));
    if (ready < 0 && errno != EINTR) {
        log_.limited(Level::Error, "failed polls",
                     "cannot wait for connections: " + sys::error_text(errno));
        ::poll(nullptr, 0, static_cast<int>(kShortagePause.count()));
    }

    if (generations_.connections() > 0) busy_ = Clock::now();  // until the one just ending
    const auto first_channel = entries.begin() + 1;
    const auto spoke = [](const pollfd& entry) { return entry.revents != 0; };
    if (std::any_of(first_channel, first_channel + channels, spoke)) generations_.receive();
    if (ready < 0 || entries[0].revents != 0) obey_signals();
    if (change_) settle_change();
    if (generations_.current() == nullptr && !change_ && listening_) replace_zygote();
    hand_over_waiting();
    for (std::size_t i = first_listener; i < entries.size() && listening_; ++i) {
        if (ready <= 0 || entries[i].revents == 0) continue;
        const auto& all = listeners_.all();
        const auto listener = std::find_if(all.begin(), all.end(), [&](const Listener& one) {
            return one.fd.get() == entries[i].fd;
        });
        if (listener != all.end()) accept_all(*listener);
    }
    if ((listening_ || finishing_) && manager_.listens()) manager_.keep_informed(status());
    if (finishing_ && generations_.connections() == 0 && waiting_.empty()) exit_code_ = 0;
    if (idle_too_long()) {
        log_.line(Level::Notice, "ending after " + std::to_string(options_.idle_exit.count()) +
                                     " s without a connection");
        exit_code_ = 0;
    }
}

bool Daemon::has_room() const {
    return config_.maxconn == 0 || generations_.connections() < config_.maxconn;
}

/// At the limit nothing is accepted: clients wait in the kernel's queue.
bool Daemon::can_accept() const { return listening_ && waiting_.empty() && has_room(); }

void Daemon::accept_all(const Listener& listener) {
    int failures = 0;
    for (int i = 0; i < kAcceptBatch && can_accept(); ++i) {
        auto accepted = accept_from(listener);
        if (!accepted) {
            const int code = errno;
            const NoConnection meaning = meaning_of_accept_error(code);
            if (meaning == NoConnection::Empty) return;
            // Even what asks for another try at once must not become a spin.
            if (meaning == NoConnection::Retry && ++failures < kAcceptBatch) continue;
            accept_at_ = Clock::now() + kShortagePause;
            log_.limited(Level::Error, "failed accepts",
                         "cannot accept on " + listener.text +
                             ", clients wait until it works again: " + sys::error_text(code));
            return;
        }
        queue(std::move(*accepted));
        hand_over_waiting();
    }
}

/// Takes all that waits in the queue of a listener that goes; beyond the limit it waits here.
void Daemon::accept_last(const Listener& listener) {
    while (true) {
        auto accepted = accept_from(listener);
        if (accepted) {
            queue(std::move(*accepted));
        } else if (meaning_of_accept_error(errno) != NoConnection::Retry) {
            return;
        }
    }
}

void Daemon::queue(Accepted accepted) {
    const handoff::Connection message{
        .id = next_id_++, .accepted = Clock::now(), .ends = accepted.ends};
    waiting_.push_back({message, std::move(accepted.fd)});
}

void Daemon::hand_over_waiting() {
    Generation* current = generations_.current();
    while (current != nullptr && !waiting_.empty() && has_room()) {
        const auto handed = current->hand_over(waiting_.front(), Generation::Wait::Never);
        wants_room_ = !handed && handed.error().code == EAGAIN;
        if (!handed) return;
        waiting_.pop_front();
    }
}

}  // namespace portsplit::daemon
