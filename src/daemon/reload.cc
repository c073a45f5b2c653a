#include "daemon/reload.h"

#include <fmt/core.h>
#include <unistd.h>

#include <utility>

#include "core/entrance.h"
#include "exit_codes.h"
#include "sys/process.h"

namespace portsplit::daemon {

using sys::Clock;
using sys::Level;

bool Reload::begin(Kind kind) {
    const auto need = sockets_.has_passed() ? config::Need::Services : config::Need::Listeners;
    auto reader = Reader::start(launchpad_.file, need, log_);
    if (!reader) {
        log_.line(Level::Error, sys::to_string(reader.error()));
        return false;
    }
    reader_ = FirstStep{kind, *std::move(reader), Clock::now() + read_limit_};
    return true;
}

bool Reload::postpone_reload() {
    if (is_changing()) postponed_ = true;
    return is_changing();
}

std::optional<Reload::Outcome> Reload::on_reader_end(int status) {
    FirstStep first = *std::exchange(reader_, std::nullopt);
    if (first.abandoned) return std::nullopt;
    auto reading = first.process.finish(status, log_);
    if (!reading) {
        const Unread& unread = reading.error();
        return Outcome{first.kind, false, unread.exit_code, unread.problems};
    }
    read_ = Read{first.kind, *std::move(reading)};
    return change_to_read();
}

/// Begins the change to what was read, unless there is none or a restart is under way.
std::optional<Reload::Outcome> Reload::change_to_read() {
    if (!read_ || change_) return std::nullopt;
    Read read = *std::exchange(read_, std::nullopt);
    if (change_to(read.kind, std::move(read.reading))) return std::nullopt;
    return Outcome{read.kind, false, kExitSystem};
}

/// Creates the parts of a new configuration beside those in use: pid file, sockets, zygote.
/// Returns false if one of them failed; the reason is then logged and all new parts are dropped.
/// The order matters: the pid file is locked before addresses are bound, so that a second daemon
/// reads the name of the pid file and not "Address already in use"; the zygote comes last, because
/// it is the only part that does not go away by its destructor alone.
bool Reload::change_to(Kind kind, std::shared_ptr<const Reading> reading) {
    const auto failed = [this](const sys::SysError& error) {
        log_.line(Level::Error, sys::to_string(error));
        return false;
    };
    auto pid_file = lock_pid_file(reading->config);
    if (!pid_file) return failed(pid_file.error());
    if (const std::string unbound = sockets_.find_unbound(reading->config); !unbound.empty()) {
        log_.line(
            Level::Error,
            fmt::format("listener {0} has no bind, and the service manager passed no socket "
                        "named {0}: write a bind, or FileDescriptorName={0} in its socket unit",
                        unbound));
        return false;
    }
    // A zygote that died must have a successor, whatever became of a file.
    const auto lost = kind == Kind::Reload ? ListeningSockets::LostFile::OpenAnew
                                           : ListeningSockets::LostFile::Keep;
    auto missing = sockets_.open_missing(reading->config, lost);
    if (!missing) return failed(missing.error());
    if (kind == Kind::Start || kind == Kind::Reload)
        log_skipped(*missing, sockets_.find_unchanged_options(reading->config));
    const std::string listeners = sockets_.text_for(reading->config, missing->sockets);
    auto generation =
        Generation::start(launchpad_, reading->packed.get(), listeners, *reading, log_);
    if (!generation) return failed(generation.error());
    generations_.add_starting(*std::move(generation));
    change_ = Change{.kind = kind,
                     .reading = std::move(reading),
                     .missing = std::move(missing->sockets),
                     .pid_file = *std::move(pid_file),
                     .ready_by = Clock::now() + ready_limit_};
    return true;
}

void Reload::log_skipped(const ListeningSockets::Opened& opened,
                         const std::vector<core::Endpoint>& unchanged) const {
    for (const core::Endpoint& bind : opened.without_multipath) {
        log_.line(Level::Warning, fmt::format("no Multipath TCP on {}: the kernel has none, or "
                                              "net.mptcp.enabled is 0; other clients are served",
                                              core::to_string(bind)));
    }
    for (const core::Endpoint& bind : unchanged) {
        log_.line(Level::Warning,
                  fmt::format("{} stays as it was opened: interface, freebind and mptcp change at "
                              "a restart",
                              core::to_string(bind)));
    }
    for (const core::Endpoint& bind : opened.skipped) {
        log_.line(Level::Warning,
                  fmt::format("not listening on {}, a half of bind = *:{}: the kernel has no IPv6",
                              core::to_string(bind), bind.port));
    }
}

/// Logs which passed sockets had a listener of their name, and have none any more.
void Reload::log_left(const core::Config& before, const core::Config& next) const {
    for (const ListeningSocket& socket : sockets_.all()) {
        const bool has_left = socket.passed && core::find_listener(before, socket.name) &&
                              !core::find_listener(next, socket.name);
        if (!has_left) continue;
        log_.line(
            Level::Warning,
            fmt::format("the socket {} ({}) of the service manager has no listener of its "
                        "name any more: its clients are now those of the listener {}",
                        socket.name, socket.text, core::listeners_of(next)[socket.listener]->name));
    }
}

/// Locks the pid file of a configuration; none if it has none or the daemon holds it already.
sys::Result<std::optional<PidFile>> Reload::lock_pid_file(const core::Config& config) const {
    const std::string path(config.pid);
    if (path.empty() || path == pid_file_.path()) return std::optional<PidFile>();
    auto created = PidFile::create(path);
    if (!created) return created.error();
    return std::optional(*std::move(created));
}

void Reload::watch(sys::PollSet& set) const {
    if (reader_) set.wake_at(reader_->until);
    if (change_) {
        set.wake_at(change_->ready_by);
    } else if (read_) {
        set.wake_at(Clock::now());
    } else if (in_force_ && generations_.current() == nullptr) {
        set.wake_at(restart_.due());
    } else if (is_worn()) {
        set.wake_at(renew_at_);
    }
}

std::optional<Reload::Outcome> Reload::step() {
    if (reader_ && Clock::now() >= reader_->until) {
        reader_->process.kill();  // its end brings the outcome
        reader_->until = Clock::time_point::max();
    }
    if (change_) {
        if (generations_.starting_is_ready()) return commit();
        if (Clock::now() < change_->ready_by) return std::nullopt;
        generations_.drop_starting();
        return abandon("the new portsplit-dispatch was not ready in time");
    }
    if (read_) return change_to_read();
    const bool dead = in_force_ && generations_.current() == nullptr;
    if (dead && Clock::now() >= restart_.due() && !change_to(Kind::Restart, in_force_)) {
        restart_.on_death(Clock::now());
    }
    if (is_worn() && Clock::now() >= renew_at_) renew();
    return std::nullopt;
}

/// Returns true if a dispatcher of the current generation has crashed. Who made it crash may know something of the
/// addresses in its memory, and all dispatchers of a generation have the same.
bool Reload::is_worn() const {
    const Generation* current = generations_.current();
    return in_force_ && current != nullptr && current->crashes() > 0;
}

/// Starts a new generation in place of a worn one: the kernel gives it other addresses (execve(2)).
void Reload::renew() {
    renew_at_ = Clock::now() + kRenewalPause;
    ++renewals_;
    log_.limited(Level::Warning, "renewals",
                 fmt::format("portsplit-dispatch is replaced after a crash, so that the next has "
                             "other addresses in its memory; it is number {} since the start",
                             renewals_));
    (void)change_to(Kind::Renewal, in_force_);
}

/// The order matters: the generation that ends takes the clients of sockets that close, because the next
/// one may not know their listener.
Reload::Outcome Reload::commit() {
    Change change = *std::exchange(change_, std::nullopt);
    const auto before = std::exchange(in_force_, std::move(change.reading));
    const core::Config& next = in_force_->config;
    const bool pid_file_stays = std::string_view(next.pid) == pid_file_.path();
    if (!pid_file_stays) pid_file_ = change.pid_file ? *std::move(change.pid_file) : PidFile();
    restart_.on_ready(Clock::now());
    const auto closing = sockets_.change_to(next, std::move(change.missing));
    for (const sys::SysError& error : sockets_.change_files(next)) {
        log_.line(Level::Error, sys::to_string(error));
    }
    if (before) log_left(before->config, next);
    if (before && before != in_force_) intake_.change_configuration(before->config, next, closing);
    intake_.use(in_force_);
    generations_.promote_starting();
    return {change.kind, true, 0};
}

Reload::Outcome Reload::on_starting_zygote_end(int status) {
    return abandon(fmt::format("the new portsplit-dispatch ended before it was ready ({})",
                               sys::describe_status(status)));
}

/// The starting generation is gone already.
Reload::Outcome Reload::abandon(const std::string& why) {
    const Kind kind = change_->kind;
    change_.reset();
    log_.line(Level::Error, why);
    const bool dead = in_force_ && generations_.current() == nullptr;
    if (dead) restart_.on_death(Clock::now());
    return {kind, false, kExitSystem};
}

void Reload::resume(std::shared_ptr<const Reading> reading) {
    in_force_ = std::move(reading);
    intake_.use(in_force_);
    restart_.on_ready(Clock::now());
}

void Reload::stop() {
    if (reader_) {
        reader_->process.kill();
        reader_->abandoned = true;
    }
    read_.reset();
    change_.reset();
    generations_.drop_starting();
    in_force_.reset();
    pid_file_.remove();
}

}  // namespace portsplit::daemon
