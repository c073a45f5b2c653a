// How the daemon comes to a configuration: the first one, a reloaded one, and the same one again
// after a zygote died. Everything new is made beside the old; only when all of it stands does it
// take over.

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "config_file.h"
#include "daemon/daemon.h"
#include "exit_codes.h"
#include "sys/file.h"
#include "sys/program.h"
#include "sys/user.h"

namespace portsplit::daemon {
namespace {

using sys::Clock;
using sys::Level;

/// How long a new zygote may take to compile its plan.
constexpr std::chrono::seconds kReadyLimit{30};

/// A zygote that lived this long did not die at birth.
constexpr std::chrono::seconds kLongLife{10};
constexpr std::chrono::milliseconds kFirstRestartPause{100};
constexpr std::chrono::milliseconds kLongestRestartPause{10000};

/// Reads the file and logs its problems.
std::optional<core::Config> load(const std::string& file, config::Need need, sys::Log& log) {
    auto read = load_file(file, need, PORTSPLIT_SBIN_TO_PATTERNS);
    if (!read) {
        log.line(Level::Error, sys::to_string(read.error()));
        return std::nullopt;
    }
    config::Loaded loaded = *std::move(read);
    log_issues(loaded.issues, config::Severity::Warning, log);
    if (!loaded.config) return std::nullopt;
    // A missing program ends its own connections only, so it is no reason not to serve the others.
    const config::Surroundings programs{.why_not_executable = sys::why_not_executable};
    auto missing = config::check_surroundings(loaded, programs);
    for (config::Issue& issue : missing) issue.severity = config::Severity::Warning;
    log_issues(missing, config::Severity::Warning, log);
    const config::Surroundings users{.user_exists = sys::user_exists,
                                     .group_exists = sys::group_exists};
    const auto unknown = config::check_surroundings(loaded, users);
    log_issues(unknown, config::Severity::Error, log);
    return unknown.empty() ? std::move(loaded.config) : std::nullopt;
}

}  // namespace

/// @returns an exit code when this is the start and it failed
std::optional<int> Daemon::begin_change() {
    if (change_) {
        change_again_ = true;
        return std::nullopt;
    }
    if (listening_) manager_.reloading();
    const auto& all = listeners_.all();
    const bool passed =
        std::any_of(all.begin(), all.end(), [](const Listener& one) { return one.passed; });
    const auto need = passed ? config::Need::Services : config::Need::Listeners;
    auto config = load(options_.file, need, log_);
    const auto failure = config ? prepare(std::move(*config), "reloaded " + options_.file)
                                : std::optional(kExitConfiguration);
    if (failure && listening_) fail_reload();
    return listening_ ? std::nullopt : failure;
}

void Daemon::fail_reload() {
    log_.line(Level::Error, "reload failed; the configuration before it goes on serving");
    reload_failed_ = true;
    manager_.ready(status());
}

/// Makes what a configuration needs beside what there is.
/// @returns the exit code for what could not be made; the reason is in the log
std::optional<int> Daemon::prepare(core::Config config, std::string done) {
    const auto failed = [this](const sys::SysError& error) {
        log_.line(Level::Error, sys::to_string(error));
        return kExitSystem;
    };
    std::optional<sys::User> user;
    const bool asked = !config.user.empty() || !config.group.empty();
    if (asked && ::geteuid() == 0) {
        auto found = sys::find_user(config.user, config.group);
        if (!found) return failed(found.error());
        user = std::move(*found);
    }
    if (asked && ::geteuid() != 0) {
        log_.line(Level::Warning, "user and group are left as they are: only root can change them");
    }

    std::optional<PidFile> pid_file;
    if (!config.pid.empty() && config.pid != pid_file_.path()) {
        auto created = PidFile::create(config.pid);
        if (!created) return failed(created.error());
        pid_file = std::move(*created);
    }
    auto missing = listeners_.open_missing(config.bind);
    if (!missing) return failed(missing.error());
    auto generation = Generation::start(launchpad_, config, user, log_);
    if (!generation) return failed(generation.error());
    change_ = Change{.config = std::move(config),
                     .user = std::move(user),
                     .missing = std::move(*missing),
                     .pid_file = std::move(pid_file),
                     .generation = std::move(*generation),
                     .deadline = Clock::now() + kReadyLimit,
                     .done = std::move(done)};
    return std::nullopt;
}

void Daemon::settle_change() {
    change_->generation.receive();
    if (change_->generation.ready()) {
        commit_change();
    } else if (Clock::now() >= change_->deadline) {
        abandon_change("the new portsplit-dispatch was not ready in time");
    }
}

void Daemon::commit_change() {
    Change change = std::move(*change_);
    change_.reset();
    const bool pid_file_stays = change.config.pid == pid_file_.path();
    config_ = std::move(change.config);
    user_ = std::move(change.user);
    if (!pid_file_stays) pid_file_ = change.pid_file ? std::move(*change.pid_file) : PidFile();
    born_ = Clock::now();

    generations_.change_to(std::move(change.generation));
    // What waits in the queue of a listener that goes was promised service when it was let in.
    const bool first = !listening_;
    listening_ = true;
    const auto gone = listeners_.change_to(config_.bind, std::move(change.missing));
    for (const Listener& listener : gone) accept_last(listener);
    hand_over_waiting();
    busy_ = Clock::now();
    reload_failed_ = false;
    manager_.ready(status());
    if (first) {
        announce();
    } else {
        log_.line(Level::Notice, change.done + ", listening on " + listeners_.text());
    }
    if (std::exchange(change_again_, false)) begin_change();
}

void Daemon::abandon_change(const std::string& why) {
    change_.reset();
    log_.line(Level::Error, why);
    if (!listening_) {
        exit_code_ = kExitSystem;
        return;
    }
    if (generations_.current() == nullptr) {
        schedule_restart();
        return;
    }
    fail_reload();
    if (std::exchange(change_again_, false)) begin_change();
}

/// At once after a long life, else after a pause that grows: a zygote that dies at birth must not
/// be started in a storm.
void Daemon::schedule_restart() {
    const bool long_life = Clock::now() - born_ >= kLongLife;
    restart_at_ = Clock::now() + (long_life ? std::chrono::milliseconds(0) : restart_pause_);
    restart_pause_ = long_life
                         ? kFirstRestartPause
                         : std::clamp(restart_pause_ * 2, kFirstRestartPause, kLongestRestartPause);
}

void Daemon::replace_zygote() {
    if (Clock::now() < restart_at_) return;
    if (prepare(config_, "portsplit-dispatch runs again")) schedule_restart();
}

void Daemon::announce() {
    for (const Listener& listener : listeners_.all()) {
        if (!listener.passed) continue;
        const bool wanted = Listeners::is_wanted(listener, config_.bind);
        log_.line(Level::Notice,
                  "the service manager passed the socket " + listener.name + ": " + listener.text +
                      (wanted ? ", which serves the bind of its address"
                              : ", which no bind names and which is served as well"));
    }
    log_.line(Level::Notice, "listening on " + listeners_.text());
    if (::geteuid() == 0 && !user_) {
        log_.line(Level::Warning,
                  "connections are served as root; set user = NAME to serve them as somebody else");
    }
    if (options_.ready_fd < 0) return;
    const sys::UniqueFd ready(options_.ready_fd);
    (void)sys::write_all(ready.get(), "listening on " + listeners_.text() + "\n");
}

}  // namespace portsplit::daemon
