#include "daemon/daemon.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <utility>

#include "exit_codes.h"
#include "sys/asker.h"
#include "sys/capability.h"
#include "sys/file.h"
#include "sys/oom.h"
#include "sys/poll_set.h"
#include "sys/program.h"
#include "sys/user.h"

namespace portsplit::daemon {
namespace {

using sys::Clock;
using sys::Level;

/// Of 1000, see sys/oom.h. Less than what an administrator gives a process that is never to be ended.
constexpr int kOomScoreAdjust = -500;

/// To `portsplit upgrade` (daemon_state.cc).
constexpr const char* kStopped = "-portsplitd stops, and is not upgraded";

/// Returns true for a change that reads the file.
bool is_of_file(Reload::Kind kind) {
    return kind == Reload::Kind::Start || kind == Reload::Kind::Reload;
}

}  // namespace

int Daemon::run() {
    if (!prepare()) return kExitSystem;
    if (!(options_.take_over ? take_over() : reload_.begin(Reload::Kind::Start))) {
        return kExitSystem;
    }
    while (!exit_code_) turn();
    manager_.notify_stopping(
        fmt::format("stopped; {} connections go on", generations_.connections()));
    stop_listening();
    return *exit_code_;
}

bool Daemon::prepare() {
    auto signals = sys::signals_by_fd(
        {SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGCHLD, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE});
    if (!signals) {
        log_.line(Level::Error, sys::to_string(signals.error()));
        return false;
    }
    signals_ = *std::move(signals);
    sys::adopt_orphans();
    outlast_others();
    if (!leave_what_is_not_needed()) return false;
    if (const auto opened = open_dispatcher(); !opened) {
        log_.line(Level::Error, sys::to_string(opened.error()));
        return false;
    }
    launchpad_.log = options_.log;
    launchpad_.file = options_.file;
    log_.report_missing_syslog();
    adopt_passed_sockets();
    return true;
}

/// Lets the kernel end other processes before this one when memory is short: a dispatcher costs one connection.
void Daemon::outlast_others() {
    const auto before = sys::oom_score_adjust();
    if (!before || *before <= kOomScoreAdjust || !sys::set_oom_score_adjust(kOomScoreAdjust))
        return;
    launchpad_.oom_score_adjust = before;
}

/// Gives up the capabilities of root that this process does not need. A zygote of root has what the bounding set has:
/// it is executed.
bool Daemon::leave_what_is_not_needed() {
    using sys::Capability;
    if (::geteuid() != 0) return true;
    const auto left = sys::leave_only({
        Capability::NetBindService,  // ports below 1024, at a reload
        Capability::SetUid,          // the zygote changes the user before it is executed
        Capability::SetGid, Capability::SetPcap,
        Capability::Kill,         // zygotes and their children are of other users
        Capability::DacOverride,  // the log, the pid file and sockets, in folders of other users
        Capability::Chown,        // the owner and the mode of sockets
        Capability::Fowner,
        Capability::NetRaw,  // a zygote of another user inherits it for transparent services
    });
    if (!left) log_.line(Level::Error, sys::to_string(left.error()));
    return left.ok();
}

/// Opens portsplit-dispatch beside this program, as built; else where it is installed. Held open,
/// so that every zygote is of this build even after the file was replaced.
sys::Result<sys::Done> Daemon::open_dispatcher() {
    const std::string own = sys::own_folder();
    const std::string installed = fmt::format("{}/{}", own, PORTSPLIT_SBIN_TO_LIBEXEC);
    for (const std::string& folder : {own, installed}) {
        const std::string path = fmt::format("{}/portsplit-dispatch", folder);
        launchpad_.program.reset(::open(path.c_str(), O_PATH | O_CLOEXEC));
        if (launchpad_.program) return sys::Done{};
    }
    return sys::SysError{
        errno, fmt::format("cannot open portsplit-dispatch, neither beside portsplitd nor in {}",
                           installed)};
}

void Daemon::adopt_passed_sockets() {
    if (!manager_.problem().empty()) log_.line(Level::Error, manager_.problem());
    for (Passed& passed : manager_.take_sockets()) {
        const auto adopted = sockets_.adopt(std::move(passed.fd), passed.name);
        if (!adopted) log_.line(Level::Error, adopted.error());
    }
}

/// Logs the addresses and writes them to --ready-fd, once.
void Daemon::announce() {
    for (const ListeningSocket& socket : sockets_.all()) {
        if (!socket.passed) continue;
        log_.line(Level::Notice,
                  ListeningSockets::describe_passed(socket, reload_.in_force()->config));
    }
    const std::string line = fmt::format("listening on {}", sockets_.text());
    log_.line(Level::Notice, line);
    const std::string_view user = reload_.in_force()->config.user;
    if (user == "0") {
        log_.line(Level::Warning,
                  "warning: connections are served as root; set user = NAME for another user");
    } else if (!user.empty()) {
        log_.line(Level::Notice,
                  fmt::format("connections are served as {}", sys::name_of_user(user)));
    }
    if (options_.ready_fd < 0) return;
    const sys::UniqueFd ready(options_.ready_fd);
    (void)sys::write_all(ready.get(), fmt::format("{}\n", line));
}

/// One wait and what it brought.
/// The order matters: messages come before children, so that a Reaped counts before the death of
/// its zygote; both come before new clients, so that `maxconn` counts what has just ended.
void Daemon::turn() {
    sys::PollSet set;
    const auto signals = set.add(signals_.get(), POLLIN);
    generations_.watch(set);
    reload_.watch(set);
    set.wake_at(reaper_.due());
    set.wake_at(upgrade_.due());
    if (is_listening()) {
        intake_.watch(set, sockets_.all());
        if (options_.idle_exit.count() > 0) set.wake_at(busy_at_ + options_.idle_exit);
    }
    if (is_listening() || finishing_) set.wake_at(manager_.due());

    const auto waited = set.wait();
    if (!waited && waited.error().code != EINTR) {
        log_.limited(Level::Error, "failed polls", sys::to_string(waited.error()));
        sys::pause_after_failed_poll();
    }

    if (generations_.connections() > 0) busy_at_ = Clock::now();  // also for one that ends now
    generations_.receive_ready(set);
    generations_.see_to_stalls(log_);
    if (!waited || set.revents(signals) != 0) handle_signals();
    reap_children();
    if (auto outcome = reload_.step()) on_outcome(*outcome);
    intake_.hand_over();
    if (is_listening()) {
        intake_.accept_ready(set, sockets_.all());
        generations_.end_excess();
        intake_.report_limits();
    }
    see_to_upgrade();
    notify_manager();
    exit_if_done();
}

void Daemon::notify_manager() {
    if (!is_listening() && !finishing_) return;
    if (manager_.can_notify()) manager_.keep_informed(status());
}

std::string Daemon::status() const {
    const std::size_t count = generations_.connections();
    if (finishing_) {
        return fmt::format("stopped listening; exiting when the last of {} connections ends",
                           count);
    }
    return fmt::format("serving {} connections on {}{}{}", count, sockets_.text(),
                       intake_.is_at_limit() ? "; maxconn reached, new clients wait" : "",
                       last_reload_failed_ ? "; the last reload failed" : "");
}

/// Ends the loop after SIGQUIT with the last connection, or when --idle-exit has expired: the
/// service manager keeps the sockets and starts the daemon again.
void Daemon::exit_if_done() {
    const bool idle = generations_.connections() == 0 && !intake_.has_queue();
    if (finishing_ && idle) exit_code_ = 0;
    const bool is_changing = reload_.is_changing() || upgrade_.is_under_way();
    if (!idle || is_changing) busy_at_ = Clock::now();
    if (!is_listening() || options_.idle_exit.count() == 0) return;
    if (Clock::now() < busy_at_ + options_.idle_exit) return;
    log_.line(Level::Notice,
              fmt::format("exiting after {} s without a connection", options_.idle_exit.count()));
    exit_code_ = 0;
}

void Daemon::handle_signals() {
    while (const auto signal = sys::next_signal(signals_.get())) {
        if (signal->number == SIGCHLD) {
            reaper_.on_signal(signal->sender);
        } else {
            on_signal(*signal);
        }
    }
}

void Daemon::on_signal(const sys::Signal& signal) {
    switch (signal.number) {
        case SIGTERM:
        case SIGINT:
            log_.line(Level::Notice,
                      fmt::format("stopping at SIG{}; connections being served: {}",
                                  sys::signal_name(signal.number), generations_.connections()));
            exit_code_ = 0;
            return;
        case SIGQUIT:
            if (finishing_) return;
            finishing_ = true;
            stop_listening();
            log_.line(Level::Notice, status());
            return;
        case SIGHUP:
            reopen_log();
            if (is_listening() || reload_.is_changing()) reload();
            return;
        case SIGUSR1:
            reopen_log();
            log_what_is_served();
            return;
        case SIGUSR2:
            if (is_listening() || reload_.is_changing()) return upgrade_.want(signal.sender);
            sys::answer(signal.sender, kStopped);
            return;
        default:
            return;
    }
}

/// Opens the log file anew: a program such as logrotate(8) may have renamed it.
void Daemon::reopen_log() {
    if (options_.log == sys::kSyslog || sys::log_descriptor(options_.log)) return;
    if (const auto reopened = log_.reopen(options_.log); !reopened) {
        log_.line(Level::Error, fmt::format("{}; the file that is open stays in use",
                                            sys::to_string(reopened.error())));
        return;
    }
    generations_.change_log(log_.descriptor());
}

void Daemon::log_what_is_served() {
    const std::size_t maxconn = intake_.connection_limit();
    log_.line(Level::Notice, fmt::format("listening on {}; connections being served: {} of {}",
                                         sockets_.text(), generations_.connections(),
                                         maxconn == 0 ? "any number" : std::to_string(maxconn)));
}

void Daemon::reap_children() {
    if (reaper_.has_found_all()) return;
    while (const auto child = reaper_.next(generations_.children())) on_child_end(*child);
    if (reaper_.has_found_all()) {
        generations_.recount_orphans((reload_.is_reading() ? 1U : 0U) +
                                     (upgrade_.has_child() ? 1U : 0U));
    }
}

void Daemon::on_child_end(const sys::Ended& child) {
    if (reload_.is_reader(child.pid)) {
        if (auto outcome = reload_.on_reader_end(child.status)) on_outcome(*outcome);
        return;
    }
    if (upgrade_.is_child(child.pid)) return on_check_end(child.status);
    switch (generations_.on_child_end(child)) {
        case Generations::End::Starting:
            on_outcome(reload_.on_starting_zygote_end(child.status));
            break;
        case Generations::End::Current:
            log_.line(Level::Error,
                      fmt::format("portsplit-dispatch died ({}); its connections go on, without a "
                                  "log line at their end: {}",
                                  sys::describe_status(child.status), generations_.connections()));
            reload_.on_current_zygote_end();
            break;
        case Generations::End::Retired:
        case Generations::End::Other:
            break;
    }
    intake_.put_back(generations_.take_untaken());
}

/// The order matters: the connections are handed over before the zygote retires, because a retired
/// zygote takes no connection.
void Daemon::stop_listening() {
    if (!is_listening()) return;
    intake_.stop(sockets_.close());
    generations_.retire();
    reload_.stop();
    upgrade_.drop();
    upgrade_.answer(kStopped);
}

void Daemon::reload() {
    if (upgrade_.is_under_way()) return reload_.postpone();
    if (reload_.postpone_reload()) return;
    manager_.notify_reloading();
    if (!reload_.begin(Reload::Kind::Reload)) report_failed_reload(0);
}

/// @param problems  of the file, which the log has; 0 if the reload failed for another reason
void Daemon::report_failed_reload(std::uint32_t problems) {
    const std::string count =
        problems == 0 ? ""
                      : fmt::format(": {} {} in {}", problems,
                                    problems == 1 ? "problem" : "problems", options_.file);
    log_.line(Level::Error,
              fmt::format("reload failed{}; still serving the configuration loaded at {}", count,
                          loaded_at_));
    last_reload_failed_ = true;
    manager_.notify_ready(status());
}

void Daemon::log_takeover(Reload::Kind kind) {
    if (kind == Reload::Kind::Start) return announce();
    if (kind == Reload::Kind::Renewal || kind == Reload::Kind::Upgrade) return;
    const std::string what = kind == Reload::Kind::Reload
                                 ? fmt::format("reloaded {}", options_.file)
                                 : "portsplit-dispatch runs again";
    log_.line(Level::Notice, fmt::format("{}, listening on {}", what, sockets_.text()));
}

void Daemon::on_outcome(Reload::Outcome outcome) {
    if (outcome.took_over) {
        intake_.hand_over();
        busy_at_ = Clock::now();
        if (is_of_file(outcome.kind)) {
            last_reload_failed_ = false;
            loaded_at_ = sys::local_time("%Y-%m-%d %H:%M");
        }
        manager_.notify_ready(status());
        if (outcome.kind == Reload::Kind::Upgrade) finish_upgrade(true);
        log_takeover(outcome.kind);
    } else if (!is_listening()) {
        exit_code_ = outcome.exit_code;
        return;
    } else if (outcome.kind == Reload::Kind::Upgrade) {
        finish_upgrade(false);
    } else if (!is_of_file(outcome.kind)) {
        return;  // Reload starts another zygote after a pause
    } else {
        report_failed_reload(outcome.problems);
    }
    if (reload_.take_postponed()) reload();
}

}  // namespace portsplit::daemon
