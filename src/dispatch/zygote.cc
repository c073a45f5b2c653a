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
//   1. move spares that stored `Taken` from their places to the table of connections
//   2. read progress into that table; a message of a pid that is not in it repeats step 1 first
//   3. for each child that ended: read progress again, then log its line, send `Reaped`, remove it
//   4. if few spares are left, fork
// Step 3 reads progress after waitpid(2) returned the pid and before anything is forked: all that the
// child sent is in the channel by then, and no new process can have its pid yet.

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "core/entrance.h"
#include "core/passing.h"
#include "dispatch/accounting.h"
#include "dispatch/connections.h"
#include "dispatch/dispatcher.h"
#include "dispatch/launch.h"
#include "dispatch/loop.h"
#include "dispatch/outlived.h"
#include "dispatch/overdue.h"
#include "dispatch/progress_message.h"
#include "dispatch/record.h"
#include "dispatch/spares.h"
#include "exit_codes.h"
#include "handoff.h"
#include "sys/channel.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/reaper.h"
#include "sys/signals.h"
#include "sys/socket.h"

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

/// How often the zygote counts its spares while some of them cannot send it a message.
constexpr std::chrono::milliseconds kMuteSparesPause{500};

/// How long a zygote that has no connection, and gets none, waits for its spares.
constexpr std::chrono::seconds kLeaveLimit{10};

/// Before the zygote looks again whether a child was stopped.
constexpr std::chrono::milliseconds kStoppedPause{200};

/// After poll(2) failed, in milliseconds.
constexpr int kFailedPollPause = 100;

/// How many messages of dispatchers are read before the zygote does its other work. The channel
/// holds fewer, so only a compromised dispatcher that floods it reaches this limit.
constexpr int kProgressBatch = 1000;

/// How many descriptors a dispatcher may have: c-ares has the most, two for each name server.
constexpr unsigned kMostDescriptors = 64;

/// Returns the listeners that the daemon names, and removes them from the environment, which programs may
/// get parts of.
core::List<core::Endpoint> own_listeners(const core::Plan& plan) {
    const char* text = ::getenv(handoff::kListenersVariable);
    if (text == nullptr) return binds_of(plan.config());
    core::List<core::Endpoint> listeners = listeners_in(text);
    ::unsetenv(handoff::kListenersVariable);
    return listeners;
}

/// Returns true if a service is a program that writes to the log.
bool has_log(const core::Service& service) {
    const auto* exec = std::get_if<core::Exec>(&service.action);
    return exec != nullptr && exec->stderr_to == core::StderrTo::Log;
}

Setting setting_for(const core::Plan& plan, int log, const FailedTargets& failed_targets) {
    const bool has_programs = first_program(plan.config()) != nullptr;
    const bool needs_log = std::ranges::any_of(plan.config().services, has_log);
    return {plan,         clean_environment(), own_listeners(plan), needs_log ? log : -1,
            has_programs, &failed_targets};
}

class Zygote {
  public:
    Zygote(const core::Plan& plan, sys::Log& log, ServeFunction serve_connection, UniqueFd channel,
           UniqueFd signals, UniqueFd progress_in, UniqueFd progress_out, Spares spares,
           Outlived outlived, FailedTargets failed_targets, LogTo log_to)
        : plan_(plan),
          log_(log),
          serve_(serve_connection),
          connection_log_(plan, log, ConnectionLog::Rate::Limited),
          failed_targets_(std::move(failed_targets)),
          log_to_(log_to),
          accounting_(plan),
          setting_(setting_for(plan, log.descriptor(), failed_targets_)),
          channel_(std::move(channel)),
          signals_(std::move(signals)),
          progress_in_(std::move(progress_in)),
          progress_out_(std::move(progress_out)),
          spares_(std::move(spares)),
          outlived_(std::move(outlived)) {}

    int run();

  private:
    bool has_nothing_to_do();
    void close();
    bool confine_all();
    void fork_spares();
    bool fork_spare();
    void close_in_spare(int answers);
    [[noreturn, gnu::noinline]] void be_spare(Spares::Place& place);
    void add_departures();
    void add(pid_t pid, const handoff::Handover& message);
    void read_progress();
    void note_target(const Progress& progress);
    void watch(pid_t pid, const Progress& progress, UniqueFd client);
    void renew_progress();
    void note_signals();
    void end_stopped();
    void read_orders();
    void end(std::uint64_t id);
    void tell_decided();
    void reap();
    void finish(pid_t pid, int status);
    void log_crash(const ConnectionRecord& record, int status);
    void log_refusal(Spares::State state);
    void finish_spare(const sys::Ended& ended, const Spares::Lost& spare);
    template <typename Message>
    void send(const Message& message);

    const core::Plan& plan_;
    sys::Log& log_;
    ServeFunction serve_;
    ConnectionLog connection_log_;
    FailedTargets failed_targets_;
    const LogTo log_to_;
    Accounting accounting_;
    const Setting setting_;
    UniqueFd channel_;
    UniqueFd signals_;
    UniqueFd progress_in_;
    UniqueFd progress_out_;
    Spares spares_;
    Outlived outlived_;
    UniqueFd orders_{handoff::kOrdersFd};
    Connections connections_;
    sys::Reaper reaper_;
    Overdue overdue_;
    std::uint64_t crashes_ = 0;
    Clock::time_point look_for_stopped_at_ = Clock::time_point::max();
    Clock::time_point leave_at_ = Clock::time_point::max();  ///< even if a spare is left
    bool open_ = true;             ///< true until the daemon ends its side of the channel
    bool is_confined_ = false;     ///< true once the processes are limited to what they need
    bool mute_spares_ = false;     ///< true once some spares may hold a channel that was replaced
    Clock::time_point fork_at_{};  ///< no spare is forked before this moment
};

int Zygote::run() {
    if (!confine_all()) return kExitSystem;
    send(handoff::Ready{});
    while (true) {
        if (!progress_in_) renew_progress();
        fork_spares();
        if (has_nothing_to_do()) {
            connection_log_.report_all();
            return 0;
        }
        std::array<pollfd, 4> entries{{
            {.fd = progress_in_.get(), .events = POLLIN, .revents = 0},
            {.fd = signals_.get(), .events = POLLIN, .revents = 0},
            {.fd = outlived_.fd(), .events = POLLIN, .revents = 0},
            {.fd = orders_.get(), .events = POLLIN, .revents = 0},
        }};
        const auto& [progress, signals, broken, from_daemon] = entries;
        const bool short_of_spares = open_ && spares_.count() <= kFewSpares;
        auto until = short_of_spares ? fork_at_ : Clock::time_point::max();
        if (mute_spares_) until = std::min(until, Clock::now() + kMuteSparesPause);
        if (!open_ && connections_.empty()) until = std::min(until, leave_at_);
        until = std::min({until, reaper_.due(), outlived_.due(), overdue_.due(), accounting_.due(),
                          look_for_stopped_at_, connection_log_.due()});
        const int ready = sys::retry(
            [&] { return ::poll(entries.data(), entries.size(), sys::poll_timeout(until)); });
        if (ready < 0) {
            log_.limited(
                Level::Error, "failed polls",
                "cannot wait for connections, it is tried again: " + sys::error_text(errno));
            ::poll(nullptr, 0, kFailedPollPause);
            continue;
        }
        if (from_daemon.revents != 0) read_orders();
        add_departures();
        // With enough spares left, nothing below is urgent: let dispatchers run first.
        if (spares_.count() > kFewSpares) sys::yield();
        if (progress.revents != 0) read_progress();
        if (signals.revents != 0) note_signals();
        if (Clock::now() >= look_for_stopped_at_) end_stopped();
        for (const pid_t pid : overdue_.take_due(connections_)) send(handoff::Kill{.child = pid});
        reap();
        tell_decided();
        connection_log_.report();
        if (broken.revents != 0 || Clock::now() >= outlived_.due()) outlived_.step();
    }
}

/// Returns true once no connection is left, and none can come. A spare that was stopped after the daemon is
/// gone would be there for ever.
bool Zygote::has_nothing_to_do() {
    if (open_) return false;
    add_departures();
    return connections_.empty() && (spares_.count() == 0 || Clock::now() >= leave_at_);
}

/// Notes that no connection comes any more.
void Zygote::close() {
    if (!std::exchange(open_, false)) return;
    leave_at_ = Clock::now() + kLeaveLimit;
}

/// Confines this process and those that it forks later. Logs what they are given.
/// @returns false if the configuration requires more
bool Zygote::confine_all() {
    if (setting_.log < 0) leave_standard_error();
    Work work = work_for(plan_.config(), setting_.listeners);
    work.forks = true;
    work.syslog = log_to_ == LogTo::Syslog;
    work.log = log_.descriptor();
    work.progress = progress_out_.get();
    const Confinement confinement = confine(plan_.config(), work);
    is_confined_ = confinement.has_filter;
    if (!confinement.report.empty()) log_.line(confinement.level, confinement.report);
    return !confinement.is_refused;
}

/// Forks spares if few are left. The zygote wakes in time for this because of the rule "tell before
/// you block" in progress.h.
void Zygote::fork_spares() {
    add_departures();
    if (!open_ || spares_.count() > kFewSpares || Clock::now() < fork_at_) return;
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

/// Closes what only the zygote uses. Only a program needs the log.
void Zygote::close_in_spare(int answers) {
    if (!setting_.has_programs) {
        // The objects that own the others are not used or destroyed in a spare.
        if (answers >= 0) {
            return sys::close_all_but({channel_.get(), progress_out_.get(), answers});
        }
        if (sys::close_all_but(channel_.get(), progress_out_.get())) return;
    }
    if (setting_.log < 0) log_.close();
    signals_.reset();
    progress_in_.reset();
    outlived_.close();
    orders_.reset();
}

/// The life of a spare, and then of a dispatcher; see "How it works".
void Zygote::be_spare(Spares::Place& place) {
    // A process group of its own: kill(0, ...) of a compromised dispatcher reaches no other.
    ::setpgid(0, 0);
    const UniqueFd answers = accounting_.take();
    close_in_spare(answers.get());
    if (is_confined_) sys::limit_to(kMostDescriptors);
    sys::unblock_signals();

    auto client = spares_.take(place, channel_.get(), plan_.listener_count());
    if (!client) ::_exit(kExitUnused);
    const handoff::Handover message = place.message;
    place.state.store(Spares::State::Taken, std::memory_order_release);
    // The order matters: `Taken` is stored before the memory it is stored in is unmapped. After this
    // the process shares only the progress channel with others.
    spares_.unmap();
    channel_.reset();
    sys::set_name("portsplit-dispatch");

    ChannelReporter reporter(progress_out_.get(), answers.get());
    ::_exit(serve_({std::move(*client), message.arrival}, setting_, reporter));
}

/// Moves the spares that have taken a connection to the table of connections.
void Zygote::add_departures() {
    while (const auto departure = spares_.next_departure()) {
        add(departure->pid, departure->message);
    }
}

void Zygote::add(pid_t pid, const handoff::Handover& message) {
    connections_.add(pid, {.id = message.id, .arrival = message.arrival});
}

/// Reads the messages of dispatchers. A compromised dispatcher can send any bytes. Invalid messages
/// are dropped, so it can only falsify its own log line.
void Zygote::read_progress() {
    std::array<std::byte, sizeof(Progress) + sizeof(sys::Ends) + core::kLongestLogged + 1> buffer;
    for (int i = 0; i < kProgressBatch; ++i) {
        auto received = sys::receive_message(progress_in_.get(), buffer);
        if (!received) return;
        // A compromised dispatcher may send a socket whose close(2) would wait. The option belongs to
        // the socket, so a program that has set it already loses it.
        if (received->fd) sys::do_not_linger(received->fd.get());
        if (received->size == 0) return renew_progress();
        const auto message = message_in(std::span(buffer).first(received->size));
        ConnectionRecord* record = connections_.find(received->sender);
        if (record == nullptr) {  // it may have taken its connection just now
            add_departures();
            record = connections_.find(received->sender);
        }
        if (!message || record == nullptr || !is_valid(plan_, *message, *record)) continue;
        const Progress& progress = message->progress;
        note_target(progress);
        if (message->ends) {
            record->arrival.ends = *message->ends;
            record->arrival.credentials = {};
            record->has_named_ends = true;
        }
        connection_log_.update(*record, progress, received->sender, message->fields);
        connections_.set_fields(received->sender, message->fields);
        if (const auto question = accounting_.note(received->sender, *record, progress)) {
            send(*question);
        }
        watch(received->sender, progress, std::move(received->fd));
        if (is_last(plan_, progress) && !std::exchange(record->ends, true)) {
            reaper_.expect(received->sender);
        }
    }
}

/// Keeps which target failed, or answered. What comes of the client is no fault of a target: its family, or a
/// capability that is missing to have its address.
void Zygote::note_target(const Progress& progress) {
    if (progress.service == Progress::kNone) return;
    const auto service = static_cast<std::size_t>(progress.service);
    const Failure& failure = progress.failure;
    const bool is_of_client =
        core::is_transparent(plan_.service(service)) &&
        (failure.code == EAFNOSUPPORT || failure.code == EPERM || failure.code == EINVAL ||
         failure.code == EADDRINUSE || failure.code == EADDRNOTAVAIL);
    const bool is_of_target =
        failure.stage == Stage::Resolve || (failure.stage == Stage::Connect && !is_of_client);
    if (is_of_target) failed_targets_.note_failure(service, failure.target);
    if (progress.target == Progress::kNone) return;
    failed_targets_.note_success(service, static_cast<std::size_t>(progress.target));
}

/// Watches the client's socket of a program. A dispatcher that sends another descriptor only spoils
/// the watch of its own program; one that failed to become the program needs none.
void Zygote::watch(pid_t pid, const Progress& progress, UniqueFd client) {
    if (!client || !becomes_program(plan_, progress)) return;
    const core::Service& service = plan_.service(static_cast<std::size_t>(progress.service));
    outlived_.watch(pid, std::move(client), std::get<core::Exec>(service.action).grace);
}

/// Replaces the progress channel after EOF on it. All dispatchers hold its other end, so EOF comes
/// only from shutdown(2), and only a compromised dispatcher calls that. Processes forked so far keep
/// the old channel, so their messages are lost. Later forks use the new one. If none can be made,
/// `run` retries after each wait.
void Zygote::renew_progress() {
    progress_in_.reset();  // EOF keeps it readable: poll(2) would return at once
    mute_spares_ = true;
    auto fresh = sys::channel_pair();
    if (!fresh || !sys::stamp_senders(fresh->first.get())) return;
    progress_in_ = std::move(fresh->first);
    progress_out_ = std::move(fresh->second);
    log_.limited(Level::Error, "shut channels",
                 "a dispatcher shut the channel that it shares with others, which no intact "
                 "dispatcher does: it may be compromised");
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
        if (const ConnectionRecord* record = connections_.find(*pid)) {
            overdue_.add(*pid, *record, plan_.timeout({record->arrival.listener}));
            continue;
        }
        log_.limited(Level::Warning, "stopped spares",
                     "a process that waits for a connection was stopped by a signal; it is killed");
        send(handoff::Kill{.child = *pid});
    }
}

/// Reads an order of the daemon. After `NewLog` the log is the file that the daemon has opened anew; programs that
/// run keep the old one. After `Ask`, spares that were stopped are ended.
void Zygote::read_orders() {
    union {
        handoff::Kind kind;
        handoff::Answer answer;
        handoff::End end;
    } order{};
    auto received =
        sys::receive_message(orders_.get(), std::as_writable_bytes(std::span(&order, 1)));
    if (!received || received->size == 0) {  // the daemon is gone
        orders_.reset();
        accounting_.answer_all();
        return close();
    }
    switch (order.kind) {
        case handoff::Kind::NewLog:
            return log_.replace(std::move(received->fd));
        case handoff::Kind::Ask:
            end_stopped();
            return send(handoff::Here{});
        case handoff::Kind::Answer:
            return accounting_.answer(order.answer);
        case handoff::Kind::End:
            return end(order.end.id);
        default:
            return;
    }
}

/// Ends a connection that counts as undecided too long, unless a service was chosen meanwhile.
void Zygote::end(std::uint64_t id) {
    add_departures();
    read_progress();
    const pid_t pid = connections_.process_of(id);
    ConnectionRecord* record = connections_.find(pid);
    if (record == nullptr || !accounting_.may_end(pid, *record)) return;
    record->is_excess = true;
    send(handoff::Kill{.child = pid});
}

/// Tells the daemon which connections have a service.
void Zygote::tell_decided() {
    for (const handoff::Decided& news : accounting_.take_decided(connections_)) send(news);
}

/// Handles every child that is known to have ended.
void Zygote::reap() {
    while (const auto ended = reaper_.next(connections_.size() + spares_.count())) {
        // The order matters: its last messages are read before its row is removed and before its
        // pid can be used again by a fork.
        read_progress();
        if (const auto spare = spares_.on_end(ended->pid)) {
            finish_spare(*ended, *spare);
        } else {
            finish(ended->pid, ended->status);
        }
    }
}

/// Handles a spare that ended before it stored `Taken`.
void Zygote::finish_spare(const sys::Ended& ended, const Spares::Lost& spare) {
    const handoff::Handover& message = spare.message;
    if (spare.state == Spares::State::Misunderstood || spare.state == Spares::State::Clientless) {
        log_refusal(spare.state);
        if (message.id != 0) send(handoff::Reaped{.id = message.id});
    } else if (message.id != 0) {  // it died after it received a connection
        add(ended.pid, message);
        finish(ended.pid, ended.status);
    } else if (spare.state == Spares::State::Dismissed) {
        close();
    } else {
        fork_at_ = Clock::now() + kForkPause;  // it was killed, or could not receive
    }
}

/// Logs why a spare took no connection from a message.
void Zygote::log_refusal(Spares::State state) {
    if (state == Spares::State::Misunderstood) {
        log_.limited(Level::Error, "bad messages from the daemon",
                     "a message from the daemon was not understood; its connection is closed");
    } else {
        log_.limited(Level::Error, "connections without their sockets",
                     "a connection came without its socket and is closed: the limit on open files "
                     "(LimitNOFILE=) is too small, or a security module forbids it");
    }
}

/// Logs a connection whose process ended, and reports its slot as free.
void Zygote::finish(pid_t pid, int status) {
    outlived_.forget(pid);
    accounting_.forget(pid);
    ConnectionRecord* record = connections_.find(pid);
    if (record == nullptr) return;
    std::optional<int> logged = status;
    if (record->is_excess) {
        record->progress.decided = 1;
        record->progress.reason = core::Reason::Limit;
        logged.reset();
    }
    connection_log_.finish(*record, logged, pid, connections_.fields(pid));
    const handoff::Reaped reaped = accounting_.reaped(*record, status);
    if (reaped.cause == handoff::Reaped::Cause::Crash) log_crash(*record, status);
    send(reaped);
    connections_.remove(pid);
}

void Zygote::log_crash(const ConnectionRecord& record, int status) {
    const core::Service* service = service_of(plan_, record.progress);
    const std::string client = service == nullptr
                                   ? "an undecided client"
                                   : "a client of service " + std::string(service->name);
    log_.limited(Level::Error, "crashes",
                 "the process that served " + client + " (" + record.arrival.ends.peer.text() +
                     ") crashed, " + sys::describe_status(status) + "; crashes since " +
                     "portsplit-dispatch started: " + std::to_string(++crashes_));
}

/// Sends a message to the daemon. Waits for room in the channel however long the daemon is stopped,
/// because a lost `Reaped` would occupy a slot for ever. Returns once the daemon is gone (EPIPE):
/// the connections are served all the same.
template <typename Message>
void Zygote::send(const Message& message) {
    const auto bytes = std::as_bytes(std::span(&message, 1));
    while (true) {
        const auto sent = sys::send_message(channel_.get(), bytes, -1, 0);
        if (sent || sent.error().code != EAGAIN) return;
    }
}

}  // namespace

int run_zygote(const core::Plan& plan, sys::Log& log, ServeFunction serve_connection,
               LogTo log_to) {
    auto signals = sys::signals_by_fd({SIGCHLD});
    auto progress = sys::channel_pair();
    const auto failed = [&log](const sys::SysError& error) {
        log.line(Level::Error, sys::to_string(error));
        return kExitSystem;
    };
    if (!signals) return failed(signals.error());
    if (!progress) return failed(progress.error());
    if (auto stamped = sys::stamp_senders(progress->first.get()); !stamped) {
        return failed(stamped.error());
    }
    auto spares = Spares::create();
    if (!spares) return failed(spares.error());
    auto outlived = Outlived::create();
    if (!outlived) return failed(outlived.error());
    auto failed_targets = FailedTargets::create(plan.config());
    if (!failed_targets) return failed(failed_targets.error());
    Zygote zygote(plan, log, serve_connection, UniqueFd(handoff::kChannelFd), std::move(*signals),
                  std::move(progress->first), std::move(progress->second), std::move(*spares),
                  std::move(*outlived), std::move(*failed_targets), log_to);
    return zygote.run();
}

}  // namespace portsplit::dispatch
