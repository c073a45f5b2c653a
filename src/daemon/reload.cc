#include "daemon/reload.h"

#include <fmt/core.h>
#include <unistd.h>

#include <utility>

#include "config_file.h"
#include "exit_codes.h"
#include "sys/process.h"
#include "sys/program.h"

namespace portsplit::daemon {

using sys::Clock;
using sys::Level;

std::optional<int> Reload::start() {
    auto config = load();
    if (!config) return kExitConfiguration;
    return begin(Kind::Start, *std::move(config)) ? std::nullopt : std::optional(kExitSystem);
}

bool Reload::reload() {
    auto config = load();
    return config && begin(Kind::Reload, *std::move(config));
}

bool Reload::postpone_reload() {
    if (change_) postponed_ = true;
    return change_.has_value();
}

/// Reads the file, checks it against this machine, and logs its problems.
std::optional<core::Config> Reload::load() const {
    const auto need = listeners_.has_passed() ? config::Need::Services : config::Need::Listeners;
    auto read = load_file(launchpad_.file, need, PORTSPLIT_SBIN_TO_PATTERNS);
    if (!read) {
        log_.line(Level::Error, sys::to_string(read.error()));
        return std::nullopt;
    }
    config::Loaded loaded = *std::move(read);
    log_issues(loaded.issues, config::Severity::Warning, log_);
    if (!loaded.config) return std::nullopt;
    // A warning only: a missing program ends its own connections, and the other services work.
    const config::Surroundings programs{.why_not_executable = sys::why_not_executable};
    auto missing = config::check_surroundings(loaded, programs);
    for (config::Issue& issue : missing) issue.severity = config::Severity::Warning;
    log_issues(missing, config::Severity::Warning, log_);
    const config::Surroundings users{.user_exists = sys::user_exists,
                                     .group_exists = sys::group_exists};
    const auto unknown = config::check_surroundings(loaded, users);
    log_issues(unknown, config::Severity::Error, log_);
    return unknown.empty() ? std::move(loaded.config) : std::nullopt;
}

/// Creates the parts of a new configuration beside those in use: user, pid file, sockets, zygote.
/// Returns false if one of them failed; the reason is then logged and all new parts are dropped.
/// The order matters: the pid file is locked before addresses are bound, so that a second daemon
/// reads the name of the pid file and not "Address already in use"; the zygote comes last, because
/// it is the only part that does not go away by its destructor alone.
bool Reload::begin(Kind kind, core::Config config) {
    const auto failed = [this](const sys::SysError& error) {
        log_.line(Level::Error, sys::to_string(error));
        return false;
    };
    auto user = find_user(config);
    if (!user) return failed(user.error());
    auto pid_file = lock_pid_file(config);
    if (!pid_file) return failed(pid_file.error());
    auto missing = listeners_.open_missing(config.bind);
    if (!missing) return failed(missing.error());
    auto generation = Generation::start(launchpad_, config, *user, log_);
    if (!generation) return failed(generation.error());
    generations_.add_starting(*std::move(generation));
    change_ = Change{.kind = kind,
                     .config = std::move(config),
                     .user = *std::move(user),
                     .missing = *std::move(missing),
                     .pid_file = *std::move(pid_file),
                     .ready_by = Clock::now() + ready_limit_};
    return true;
}

/// Looks up the user to serve as; none if the configuration names none or only root could change.
sys::Result<std::optional<sys::User>> Reload::find_user(const core::Config& config) const {
    if (config.user.empty() && config.group.empty()) return std::optional<sys::User>();
    if (::geteuid() != 0) {
        log_.line(Level::Warning, "user and group are ignored: only root can change them");
        return std::optional<sys::User>();
    }
    auto found = sys::find_user(std::string(config.user), std::string(config.group));
    if (!found) return found.error();
    return std::optional(*std::move(found));
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
    if (change_) {
        set.wake_at(change_->ready_by);
    } else if (in_force_ && generations_.current() == nullptr) {
        set.wake_at(restart_.due());
    }
}

std::optional<Reload::Outcome> Reload::step() {
    if (change_) {
        if (generations_.starting_is_ready()) return commit();
        if (Clock::now() < change_->ready_by) return std::nullopt;
        generations_.drop_starting();
        return abandon("the new portsplit-dispatch was not ready in time");
    }
    const bool dead = in_force_ && generations_.current() == nullptr;
    if (dead && Clock::now() >= restart_.due() && !begin(Kind::Restart, *in_force_)) {
        restart_.on_death(Clock::now());
    }
    return std::nullopt;
}

Reload::Outcome Reload::commit() {
    Change change = *std::exchange(change_, std::nullopt);
    const bool pid_file_stays = std::string_view(change.config.pid) == pid_file_.path();
    if (!pid_file_stays) pid_file_ = change.pid_file ? *std::move(change.pid_file) : PidFile();
    in_force_ = std::move(change.config);
    user_ = std::move(change.user);
    restart_.on_ready(Clock::now());
    generations_.promote_starting();
    return {change.kind, true, listeners_.change_to(in_force_->bind, std::move(change.missing))};
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
    return {kind, false, {}};
}

void Reload::stop() {
    change_.reset();
    generations_.drop_starting();
    in_force_.reset();
    pid_file_.remove();
}

}  // namespace portsplit::daemon
