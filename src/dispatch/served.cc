#include "dispatch/served.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "sys/process.h"

namespace portsplit::dispatch {

using sys::Clock;
using sys::Level;
using sys::UniqueFd;

namespace {

/// How long a connection without `timeout` may be undecided before another may probe in its place.
constexpr std::chrono::seconds kEndlessTimeout{10};

/// Returns how long a connection may need to reach a target.
std::chrono::milliseconds time_for_targets(const core::Service& service) {
    const auto* connect = std::get_if<core::Connect>(&service.action);
    if (connect == nullptr) return {};
    return connect->timeout * static_cast<std::int64_t>(connect->targets.size());
}

}  // namespace

Served::Served(const core::Plan& plan, sys::Log& log, const DaemonChannel& daemon,
               Accounting& accounting, FailedTargets failed_targets, Outlived outlived,
               StderrPipes stderr_pipes)
    : plan_(plan),
      log_(log),
      daemon_(daemon),
      accounting_(accounting),
      failed_targets_(std::move(failed_targets)),
      outlived_(std::move(outlived)),
      stderr_pipes_(std::move(stderr_pipes)),
      connection_log_(plan, log, ConnectionLog::Rate::Limited) {}

void Served::add(pid_t pid, const handoff::Handover& message) {
    connections_.add(pid, {.id = message.id, .arrival = message.arrival});
    if (failed_targets_.is_empty()) return;
    const auto timeout = plan_.timeout({message.arrival.listener});
    failed_targets_.note_taken(pid, timeout.count() > 0 ? timeout : kEndlessTimeout);
}

/// A compromised dispatcher can send any bytes. Invalid messages are dropped, so it can only falsify its own
/// log line.
bool Served::note(pid_t pid, const Message& message, UniqueFd fd) {
    ConnectionRecord* record = connections_.find(pid);
    if (record == nullptr || !is_valid(plan_, message, *record)) return false;
    const Progress& progress = message.progress;
    note_target(pid, progress);
    if (message.ends) {
        record->arrival.ends = *message.ends;
        record->arrival.credentials = {};
        record->has_named_ends = true;
    }
    connection_log_.update(*record, progress, pid, message.fields);
    connections_.set_fields(pid, message.fields);
    if (const auto question = accounting_.note(pid, *record, progress)) daemon_.send(*question);
    if (progress.has_stderr != 0) {
        read_stderr(pid, *record, std::move(fd));
    } else {
        watch(pid, progress, std::move(fd));
    }
    return is_last(plan_, progress) && !std::exchange(record->ends, true);
}

/// Keeps which target failed, or answered. What comes of the client is no fault of a target: its family, or a
/// capability that is missing to have its address.
void Served::note_target(pid_t pid, const Progress& progress) {
    if (progress.service == Progress::kNone) return;
    const auto service = static_cast<std::size_t>(progress.service);
    failed_targets_.note_chosen(pid, service, time_for_targets(plan_.service(service)));
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
    failed_targets_.withdraw(pid);
}

void Served::let_probe(const Spares& spares) {
    if (!failed_targets_.is_empty()) failed_targets_.let_probe(spares.waiting());
}

/// Watches the client's socket of a program. A dispatcher that sends another descriptor only spoils
/// the watch of its own program; one that failed to become the program needs none.
void Served::watch(pid_t pid, const Progress& progress, UniqueFd client) {
    if (!client || !becomes_program(plan_, progress)) return;
    const core::Service& service = plan_.service(static_cast<std::size_t>(progress.service));
    outlived_.watch(pid, std::move(client), std::get<core::Exec>(service.action).grace);
}

/// Reads what the program of a connection writes to its standard error. A dispatcher has one program.
void Served::read_stderr(pid_t pid, ConnectionRecord& record, UniqueFd pipe) {
    if (std::exchange(record.has_stderr, true)) return;
    stderr_pipes_.watch(pid, service_of(plan_, record.progress)->name, std::move(pipe));
}

bool Served::note_stopped(pid_t pid) {
    const ConnectionRecord* record = connections_.find(pid);
    if (record == nullptr) return false;
    overdue_.add(pid, *record, plan_.timeout({record->arrival.listener}));
    return true;
}

pid_t Served::end(std::uint64_t id) {
    const pid_t pid = connections_.process_of(id);
    ConnectionRecord* record = connections_.find(pid);
    if (record == nullptr || !accounting_.may_end(pid, *record)) return -1;
    record->is_excess = true;
    daemon_.send(handoff::Kill{.child = pid});
    return pid;
}

void Served::finish(pid_t pid, int status) {
    outlived_.forget(pid);
    accounting_.forget(pid);
    failed_targets_.withdraw(pid);
    stderr_pipes_.on_end(pid);
    ConnectionRecord* record = connections_.find(pid);
    if (record == nullptr) return;
    std::optional<int> logged = status;
    if (record->is_excess) {
        record->progress.decided = 1;
        record->progress.reason = core::Reason::Limit;
        record->progress.refusal = static_cast<std::uint8_t>(core::Refusal::Undecided);
        logged.reset();
    }
    connection_log_.finish(*record, logged, pid, connections_.fields(pid));
    const handoff::Reaped reaped = accounting_.reaped(*record, status);
    if (reaped.cause == handoff::Reaped::Cause::Crash) log_crash(*record, status);
    daemon_.send(reaped);
    connections_.remove(pid);
}

void Served::log_crash(const ConnectionRecord& record, int status) {
    const core::Service* service = service_of(plan_, record.progress);
    const std::string client = service == nullptr
                                   ? "an undecided client"
                                   : "a client of service " + std::string(service->name);
    log_.limited(Level::Error, "crashes",
                 "the process that served " + client + " (" + record.arrival.ends.peer.text() +
                     ") crashed, " + sys::describe_status(status) + "; crashes since " +
                     "portsplit-dispatch started: " + std::to_string(++crashes_));
}

Clock::time_point Served::due() const {
    return std::min({outlived_.due(), overdue_.due(), accounting_.due(), connection_log_.due(),
                     failed_targets_.due(), stderr_pipes_.due()});
}

void Served::end_overdue() {
    for (const pid_t pid : overdue_.take_due(connections_)) {
        daemon_.send(handoff::Kill{.child = pid});
    }
}

void Served::step(bool broken) {
    for (const handoff::Decided& news : accounting_.take_decided(connections_)) daemon_.send(news);
    connection_log_.report();
    if (broken || Clock::now() >= outlived_.due()) outlived_.step();
}

}  // namespace portsplit::dispatch
