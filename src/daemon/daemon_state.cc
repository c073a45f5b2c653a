// The Daemon at an upgrade: what it keeps, how it becomes the new program, and how that goes on.

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "core/entrance.h"
#include "daemon/daemon.h"
#include "daemon/kept_reading.h"
#include "daemon/state.h"
#include "exit_codes.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/program.h"

namespace portsplit::daemon {
namespace {

using sys::Clock;
using sys::Level;

/// Of oom_score_adj (proc(5)); the largest is as far from 0.
constexpr int kLeastOom = -1000;

// The first byte of an answer to `portsplit upgrade`.
constexpr const char* kDone = "+";
constexpr const char* kFailed = "-";

}  // namespace

/// The order is that of `take_from`.
StateWriter Daemon::state() const {
    StateWriter state;
    state.text(state_version());
    state.text(loaded_at_);
    state.number(last_reload_failed_ ? 1 : 0);
    state.time(busy_at_);
    const auto& oom = launchpad_.oom_score_adjust;
    state.number(oom ? static_cast<std::uint64_t>(*oom - kLeastOom + 1) : 0);
    upgrade_.append_to(state);
    reload_.append_to(state);
    sockets_.append_to(state);
    accounts_.ledger.append_to(state);
    accounts_.refusals.append_to(state);
    generations_.append_to(state);
    intake_.append_to(state);
    return state;
}

/// The order matters: the ledger gets its limits, and the intake its listeners, when the configuration comes into
/// force.
/// @returns why the state cannot be taken; empty if it was
std::string Daemon::take_from(StateReader& state, std::string_view text) {
    constexpr const char* kWrong = "the state does not have the form that it should have";
    if (state.text() != state_version() || !state.is_good()) return kWrong;
    loaded_at_ = state.text();
    last_reload_failed_ = state.flag();
    busy_at_ = state.time();
    const auto oom = static_cast<int>(state.number(2 * -kLeastOom + 1));
    if (oom > 0) launchpad_.oom_score_adjust = oom - 1 + kLeastOom;
    upgrade_.take_from(state);
    const auto user = reload_.take_from(state);
    sockets_.take_from(state);
    accounts_.ledger.take_from(state);
    accounts_.refusals.take_from(state);
    generations_.take_from(state);
    if (!state.is_good()) return kWrong;
    const auto need = sockets_.has_passed() ? config::Need::Services : config::Need::Listeners;
    auto reading = reading_of(text, user, need);
    if (!reading) return reading.error();
    const std::size_t listeners = core::listeners_of((*reading)->config).size();
    const bool is_right = std::ranges::all_of(
        sockets_.all(), [&](const auto& socket) { return socket.listener < listeners; });
    if (!is_right) return kWrong;
    reload_.resume(*std::move(reading));
    intake_.take_from(state);
    return state.is_done() ? "" : kWrong;
}

std::string Daemon::why_no_successor(std::string_view state, std::string_view text) {
    if (const auto opened = open_dispatcher(); !opened) return sys::to_string(opened.error());
    StateReader reader(state, StateReader::Descriptors::Leave);
    return take_from(reader, text);
}

/// Goes on where the program was before which this process has become.
bool Daemon::take_over() {
    const sys::UniqueFd state(options_.take_over->state);
    const sys::UniqueFd text(options_.take_over->text);
    const auto failed = [this](const std::string& why) {
        log_.line(Level::Error,
                  fmt::format("cannot take over from the portsplitd before: {}", why));
        return false;
    };
    const auto bytes = sys::read_memory(state.get(), kLargestState);
    const auto configuration = sys::read_memory(text.get());
    if (!bytes) return failed(sys::to_string(bytes.error()));
    if (!configuration) return failed(sys::to_string(configuration.error()));
    StateReader reader(*bytes, StateReader::Descriptors::Take);
    if (const std::string why = take_from(reader, *configuration); !why.empty()) return failed(why);
    // Children may have ended meanwhile: their signals were merged, or read before.
    reaper_.on_signal(0);
    log_.line(Level::Notice, fmt::format("upgraded to portsplitd {}; connections being served: {}",
                                         PORTSPLIT_VERSION, generations_.connections()));
    if (!reload_.begin_upgrade()) on_outcome({Reload::Kind::Upgrade, false, kExitSystem});
    return true;
}

/// Does what can be done now for an upgrade. It waits for a change that is on its way.
void Daemon::see_to_upgrade() {
    if (!is_listening() || exit_code_) return;
    upgrade_.kill_late();
    if (reload_.is_changing()) return;
    if (upgrade_.is_ready()) return become_successor();
    if (!upgrade_.is_wanted()) return;
    manager_.notify_reloading();
    const auto begun = upgrade_.check(state().finish(), *reload_.in_force());
    if (!begun) fail_upgrade(sys::to_string(begun.error()));
}

void Daemon::on_check_end(int status) {
    const std::string why = upgrade_.on_check_end(status);
    if (!why.empty()) fail_upgrade(why);
}

/// Becomes the new program. Returns only if that fails; then nothing has changed.
void Daemon::become_successor() {
    intake_.hand_over();
    const StateWriter state = this->state();
    const auto memory = in_memory("portsplit-state", state.finish());
    if (!memory) return fail_upgrade(sys::to_string(memory.error()));
    const TakeOver descriptors{memory->get(), upgrade_.text(),
                               options_.log == sys::kSyslog ? -1 : log_.descriptor()};
    std::vector<int> kept = state.descriptors();
    kept.insert(kept.end(), {descriptors.state, descriptors.text});
    if (descriptors.log >= 0) kept.push_back(descriptors.log);
    std::vector<std::string> environment = sys::own_environment();
    for (std::string& entry : manager_.environment()) environment.push_back(std::move(entry));

    for (const int fd : kept) sys::set_close_on_exec(fd, false);
    const sys::SysError error = sys::execute(
        upgrade_.program(), arguments_to_take_over(options_, descriptors), environment);
    for (const int fd : kept) sys::set_close_on_exec(fd, true);
    fail_upgrade(sys::to_string(error));
}

void Daemon::fail_upgrade(const std::string& why) {
    const std::string line =
        fmt::format("cannot upgrade to {}: {}; this portsplitd goes on", upgrade_.program(), why);
    log_.line(Level::Error, line);
    upgrade_.drop();
    upgrade_.answer(kFailed + line);
    manager_.notify_ready(status());
    if (reload_.take_postponed()) reload();
}

/// @param took_over  true if a zygote of the new version takes the connections
void Daemon::finish_upgrade(bool took_over) {
    std::string line = fmt::format("upgraded to portsplitd {}", PORTSPLIT_VERSION);
    if (!took_over) {
        line +=
            ", but its portsplit-dispatch does not start; the one before goes on to serve, until a "
            "reload starts the new one";
        log_.line(Level::Error, line);
        manager_.notify_ready(status());
    }
    upgrade_.answer((took_over ? kDone : kFailed) + line);
}

}  // namespace portsplit::daemon
