#include "dispatch/zygote.h"

// How it works.
//
// The zygote keeps `kSpares` children, each blocked in recvmsg(2) on the daemon's channel. The kernel
// gives each message of the daemon to one of them, so the zygote is not on the path of a connection.
// It reads afterwards which connection each child took and how it ended: from memory shared with its
// spares, from the progress channel that all children inherit, and from SIGCHLD.
//
// The life of a spare (`be_spare`):
//   1. fork; a process group of its own; close what only the zygote uses
//   2. wait in recvmsg(2); the kernel writes the message into the spare's place in shared memory
//   3. store `Taken` there, unmap the memory, close the daemon's channel
//   4. serve the connection, as its dispatcher, and publish progress before its first wait
//   5. exit, or become the service's program
// The daemon's EOF, a message that is no connection, or a failed receive ends it in step 2.
//
// On each wake (`run`), by a message on the progress channel, by SIGCHLD or by a pause that is over:
//   1. move spares that stored `Taken` from their places to the served connections (served.h)
//   2. read progress of these; a message of a pid that serves none repeats step 1 first
//   3. for each child that ended: read progress again, then log its line, send `Reaped`, remove it
//   4. if few spares are left, fork
// Step 3 reads progress after waitpid(2) returned the pid and before anything is forked: all that the
// child sent is in the channel by then, and no new process can have its pid yet.

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <span>
#include <string>
#include <utility>

#include "dispatch/accounting.h"
#include "dispatch/daemon_channel.h"
#include "dispatch/failed_targets.h"
#include "dispatch/outlived.h"
#include "dispatch/progress_channel.h"
#include "dispatch/served.h"
#include "dispatch/setting.h"
#include "dispatch/sniffer.h"
#include "dispatch/sniffers.h"
#include "dispatch/spares.h"
#include "dispatch/stderr_pipes.h"
#include "exit_codes.h"
#include "handoff.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/file.h"
#include "sys/poll_set.h"
#include "sys/process.h"
#include "sys/reaper.h"
#include "sys/signals.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using sys::Level;
using sys::UniqueFd;

/// With this many spares or fewer, the zygote forks until there are `kSpares`.
constexpr std::size_t kFewSpares = kSpares / 2;

/// How long no spare is forked after fork(2) failed or a spare was killed. Without the pause, either
/// would make the zygote fork in a busy loop.
constexpr std::chrono::milliseconds kForkPause{100};

/// How long a zygote that has no connection, and gets none, waits for its spares.
constexpr std::chrono::seconds kLeaveLimit{10};

/// Before the zygote looks again whether a child was stopped.
constexpr std::chrono::milliseconds kStoppedPause{200};

class Zygote {
  public:
    Zygote(const core::Plan& plan, sys::Log& log, ServeFunction serve_connection, LogTo log_to,
           UniqueFd signals, ProgressChannel progress, Spares spares, FailedTargets failed_targets,
           Outlived outlived, StderrPipes stderr_pipes, Sniffers sniffers, RelaySandbox relays)
        : log_(log),
          serve_(serve_connection),
          log_to_(log_to),
          accounting_(plan),
          progress_(std::move(progress)),
          spares_(std::move(spares)),
          sniffers_(std::move(sniffers)),
          relays_(std::move(relays)),
          served_(plan, log, daemon_, accounting_, std::move(failed_targets), std::move(outlived),
                  std::move(stderr_pipes)),
          setting_(setting_for(plan, served_.failed_targets(),
                               {serving_user(plan.config()), relays_.is_on() ? &relays_ : nullptr,
                                sniffers_.channel.get()})),
          signals_(std::move(signals)) {}

    int run();

  private:
    bool has_nothing_to_do();
    void close();
    bool confine_all();
    bool limit_rights();
    void fork_spares();
    bool fork_spare();
    void close_in_spare(int answers);
    [[noreturn, gnu::noinline]] void be_spare(Spares::Place& place);
    void add_departures();
    void read_progress();
    void note_signals();
    void end_stopped();
    void read_orders();
    bool reap();
    void finish_spare(const sys::Ended& ended, const Spares::Lost& spare);

    sys::Log& log_;
    const ServeFunction serve_;
    const LogTo log_to_;
    DaemonChannel daemon_;
    Accounting accounting_;
    ProgressChannel progress_;
    Spares spares_;
    Sniffers sniffers_;
    RelaySandbox relays_;
    Served served_;
    Setting setting_;
    UniqueFd signals_;
    sys::Reaper reaper_;
    Clock::time_point look_for_stopped_at_ = Clock::time_point::max();
    Clock::time_point leave_at_ = Clock::time_point::max();  ///< even if a spare is left
    Clock::time_point fork_at_{};                            ///< no spare is forked before this
    bool open_ = true;          ///< true until the daemon ends its side of the channel
    bool is_confined_ = false;  ///< true once the processes are limited to what they need
};

int Zygote::run() {
    if (!confine_all()) return kExitSystem;
    daemon_.send(handoff::Ready{});
    while (true) {
        if (!progress_.is_open()) progress_.renew();
        fork_spares();
        served_.let_probe(spares_);
        if (has_nothing_to_do()) {
            served_.report_all();
            return 0;
        }
        std::array<pollfd, 5> entries{{
            {.fd = progress_.fd(), .events = POLLIN, .revents = 0},
            {.fd = signals_.get(), .events = POLLIN, .revents = 0},
            {.fd = served_.fd(), .events = POLLIN, .revents = 0},
            {.fd = daemon_.orders(), .events = POLLIN, .revents = 0},
            {.fd = served_.stderr_pipes().fd(), .events = POLLIN, .revents = 0},
        }};
        const auto& [progress, signals, broken, from_daemon, of_programs] = entries;
        const bool short_of_spares = open_ && spares_.count() <= kFewSpares;
        auto until = short_of_spares ? fork_at_ : Clock::time_point::max();
        if (!open_ && served_.empty()) until = std::min(until, leave_at_);
        until =
            std::min({until, reaper_.due(), served_.due(), progress_.due(), look_for_stopped_at_});
        const int ready = sys::retry(
            [&] { return ::poll(entries.data(), entries.size(), sys::poll_timeout(until)); });
        if (ready < 0) {
            log_.limited(
                Level::Error, "failed polls",
                "cannot wait for connections, it is tried again: " + sys::error_text(errno));
            sys::pause_after_failed_poll();
            continue;
        }
        if (from_daemon.revents != 0) read_orders();
        add_departures();
        // With enough spares left, nothing below is urgent: let dispatchers run first.
        if (spares_.count() > kFewSpares) sys::yield();
        if (progress.revents != 0) read_progress();
        if (signals.revents != 0) note_signals();
        if (Clock::now() >= look_for_stopped_at_) end_stopped();
        served_.end_overdue();
        if (!reap()) return kExitSystem;
        served_.step(broken.revents != 0);
        // The last: a program may write without end.
        served_.stderr_pipes().step(of_programs.revents != 0);
    }
}

/// Returns true once no connection is left, and none can come. A spare that was stopped after the daemon is
/// gone would be there for ever.
bool Zygote::has_nothing_to_do() {
    if (open_) return false;
    add_departures();
    return served_.empty() && (spares_.count() == 0 || Clock::now() >= leave_at_);
}

/// Notes that no connection comes any more.
void Zygote::close() {
    if (!std::exchange(open_, false)) return;
    leave_at_ = Clock::now() + kLeaveLimit;
}

/// Confines this process and those that it forks later. Logs what they are given.
/// @returns false if the configuration requires more
bool Zygote::confine_all() {
    leave_standard_error();
    if (setting_.has_programs) return limit_rights();
    Work work = work_for(setting_.plan.config(), setting_.listeners);
    work.forks = true;
    work.syslog = log_to_ == LogTo::Syslog;
    work.log = log_.descriptor();
    work.progress = progress_.writing_end();
    const Confinement confinement = confine(setting_.plan.config(), work);
    is_confined_ = confinement.has_filter;
    if (!confinement.report.empty()) log_.line(confinement.level, confinement.report);
    return !confinement.is_refused;
}

/// Puts aside what only root can and nobody here needs, where programs are started: a filter would be theirs, too.
/// Logs what relays are given.
/// @returns false if the configuration requires more, or a right cannot be put aside
bool Zygote::limit_rights() {
    const Confinement& relays = relays_.confinement();
    if (!relays.report.empty()) log_.line(relays.level, relays.report);
    if (relays.is_refused) return false;
    if (!setting_.serving) return true;
    const auto limited = keep_rights_for(setting_.plan.config());
    if (!limited) log_.line(Level::Error, sys::to_string(limited.error()));
    return limited.ok();
}

/// Forks spares if few are left. The zygote wakes in time for this because of the rule "tell before
/// you block" in progress.h.
void Zygote::fork_spares() {
    add_departures();
    if (!open_ || spares_.count() > kFewSpares || Clock::now() < fork_at_) return;
    setting_.zygote_has_room = served_.stderr_pipes().has_room();
    // Spares inherit the name, so that ps(1) never shows them under another one.
    sys::set_name("portsplit-spare");
    while (spares_.count() < kSpares && fork_spare()) continue;
    sys::set_name("portsplit-dispatch");
}

/// @returns false if there is no free place, or fork(2) failed
bool Zygote::fork_spare() {
    Spares::Place* place = spares_.clear_place();
    if (place == nullptr) return false;
    if (const auto prepared = accounting_.prepare(); !prepared) {
        log_.limited(Level::Error, "uncounted connections", sys::to_string(prepared.error()));
    }
    // _Fork(3), not fork(3): with one thread and no fork handlers, fork(3) does the same and only
    // writes to more memory.
    const pid_t pid = ::_Fork();
    if (pid == 0) be_spare(*place);
    if (pid > 0) {
        spares_.settle(*place, pid);
        (void)accounting_.keep(pid);
        return true;
    }
    if (spares_.count() == 0) {
        log_.limited(Level::Error, "failed forks",
                     "cannot fork, clients wait until it works again: " + sys::error_text(errno));
    }
    fork_at_ = Clock::now() + kForkPause;
    return false;
}

/// Closes what only the zygote uses: the log, what programs write to it, and all else. The objects that own these
/// descriptors are not used or destroyed in a spare.
void Zygote::close_in_spare(int answers) {
    std::array kept{daemon_.fd(), progress_.writing_end(), answers, setting_.sniffers,
                    relays_.rules()};
    sys::close_all_but(std::span(kept));
    served_.stderr_pipes().leave_in_fork();
}

/// The life of a spare, and then of a dispatcher; see "How it works".
void Zygote::be_spare(Spares::Place& place) {
    // A process group of its own: kill(0, ...) of a compromised dispatcher reaches no other.
    ::setpgid(0, 0);
    const UniqueFd answers = accounting_.take();
    close_in_spare(answers.get());
    if (is_confined_) sys::limit_to(kMostDescriptors);
    sys::unblock_signals();

    auto client = spares_.take(place, daemon_.fd(), setting_.plan.listener_count());
    if (!client) ::_exit(kExitUnused);
    const handoff::Handover message = place.message;
    place.state.store(Spares::State::Taken, std::memory_order_release);
    // The order matters: `Taken` is stored before the memory it is stored in is unmapped. After this
    // the process shares only the progress channel with others.
    spares_.unmap();
    daemon_.close();
    sys::set_name("portsplit-dispatch");

    ChannelReporter reporter(progress_.writing_end(), answers.get());
    ::_exit(serve_({std::move(*client), message.arrival}, setting_, reporter));
}

/// Moves the spares that have taken a connection to the served connections.
void Zygote::add_departures() {
    while (const auto departure = spares_.next_departure()) {
        served_.add(departure->pid, departure->message);
    }
}

/// Reads the messages of dispatchers.
void Zygote::read_progress() {
    ProgressChannel::Buffer buffer;
    for (int i = 0; i < ProgressChannel::kBatch; ++i) {
        auto published = progress_.next(buffer);
        if (!published) return;
        const pid_t pid = published->sender;
        if (!served_.has(pid)) add_departures();  // it may have taken its connection just now
        if (!published->message) continue;
        if (served_.note(pid, *published->message, std::move(published->fd))) reaper_.expect(pid);
    }
}

void Zygote::note_signals() {
    bool any_stopped = false;
    while (const auto signal = sys::next_signal(signals_.get())) {
        any_stopped |= signal->stopped;
        reaper_.on_signal(signal->sender);  // it may stand for the end of another child, too
    }
    if (any_stopped) end_stopped();
}

/// Kills the spares that were stopped: connections would wait for them, and the number of spares would
/// be wrong. A dispatcher has the time until it is overdue.
void Zygote::end_stopped() {
    add_departures();
    // The kernel merges signals, so another one may have been stopped meanwhile.
    look_for_stopped_at_ = Clock::time_point::max();
    while (const auto pid = sys::next_stopped()) {
        look_for_stopped_at_ = Clock::now() + kStoppedPause;
        if (served_.note_stopped(*pid)) continue;
        log_.limited(Level::Warning, "stopped spares",
                     "a process that waits for a connection was stopped by a signal; it is killed");
        daemon_.send(handoff::Kill{.child = *pid});
    }
}

/// Reads an order of the daemon. After `NewLog` the log is the file that the daemon has opened anew; programs that
/// run keep the old one. After `Ask`, spares that were stopped are ended.
void Zygote::read_orders() {
    auto order = daemon_.next_order();
    if (!order) {  // the daemon is gone
        accounting_.answer_all();
        return close();
    }
    switch (order->message.kind) {
        case handoff::Kind::NewLog:
            return log_.replace(std::move(order->log));
        case handoff::Kind::Ask:
            end_stopped();
            return daemon_.send(handoff::Here{});
        case handoff::Kind::Answer:
            return accounting_.answer(order->message.answer);
        case handoff::Kind::End:
            add_departures();
            read_progress();
            return reaper_.expect(served_.end(order->message.end.id));
        default:
            return;
    }
}

/// Handles every child that is known to have ended.
/// @returns false if the zygote cannot work without it
bool Zygote::reap() {
    while (const auto ended = reaper_.next(served_.size() + spares_.count() + 1)) {
        if (ended->pid == sniffers_.pid) {
            log_.line(Level::Error, "what looks at first bytes died (" +
                                        sys::describe_status(ended->status) + ")");
            return false;
        }
        // The order matters: its last messages are read before its row is removed and before its
        // pid can be used again by a fork.
        read_progress();
        if (const auto spare = spares_.on_end(ended->pid)) {
            served_.forget_spare(ended->pid);
            finish_spare(*ended, *spare);
        } else {
            served_.finish(ended->pid, ended->status);
        }
    }
    return true;
}

/// Handles a spare that ended before it stored `Taken`.
void Zygote::finish_spare(const sys::Ended& ended, const Spares::Lost& spare) {
    const handoff::Handover& message = spare.message;
    if (spare.state == Spares::State::Misunderstood || spare.state == Spares::State::Clientless) {
        Spares::log_refusal(spare.state, log_);
        if (message.id != 0) daemon_.send(handoff::Reaped{.id = message.id});
    } else if (message.id != 0) {  // it died after it received a connection
        served_.add(ended.pid, message);
        served_.finish(ended.pid, ended.status);
    } else if (spare.state == Spares::State::Dismissed) {
        close();
    } else {
        fork_at_ = Clock::now() + kForkPause;  // it was killed, or could not receive
    }
}

}  // namespace

int run_zygote(const core::Plan& plan, sys::Log& log, ServeFunction serve_connection,
               LogTo log_to) {
    const auto failed = [&log](const sys::SysError& error) {
        log.line(Level::Error, sys::to_string(error));
        return kExitSystem;
    };
    Sniffers sniffers;
    if (needs_sniffers(plan, ::geteuid() == 0)) {
        auto started = start_sniffers(plan, sniffing_user(plan.config()), log);
        if (!started) return failed(started.error());
        sniffers = *std::move(started);
    }
    auto signals = sys::signals_by_fd({SIGCHLD});
    if (!signals) return failed(signals.error());
    const bool has_programs = first_program(plan.config()) != nullptr;
    using Takes = ProgressChannel::Takes;
    auto progress = ProgressChannel::create(log, has_programs ? Takes::Descriptors : Takes::Bytes);
    if (!progress) return failed(progress.error());
    auto spares = Spares::create();
    if (!spares) return failed(spares.error());
    auto outlived = Outlived::create();
    if (!outlived) return failed(outlived.error());
    auto failed_targets = FailedTargets::create(plan.config());
    if (!failed_targets) return failed(failed_targets.error());
    auto stderr_pipes = StderrPipes::create(plan.config(), log);
    if (!stderr_pipes) return failed(stderr_pipes.error());
    RelaySandbox relays;
    if (has_programs) relays = RelaySandbox::prepare(plan.config());
    Zygote zygote(plan, log, serve_connection, log_to, std::move(*signals), std::move(*progress),
                  std::move(*spares), std::move(*failed_targets), std::move(*outlived),
                  std::move(*stderr_pipes), std::move(sniffers), std::move(relays));
    return zygote.run();
}

}  // namespace portsplit::dispatch
