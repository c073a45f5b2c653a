// What the configuration in force keeps over an upgrade. Its text crosses by itself (kept_reading.h).

#include <cstddef>
#include <limits>
#include <utility>

#include "daemon/reload.h"
#include "daemon/state.h"

namespace portsplit::daemon {
namespace {

void append(const sys::User& user, StateWriter& state) {
    state.number(user.uid);
    state.number(user.gid);
    state.number(user.groups.size());
    for (const gid_t group : user.groups) state.number(group);
}

sys::User take_user(StateReader& state) {
    sys::User user;
    user.uid = static_cast<uid_t>(state.number(std::numeric_limits<uid_t>::max()));
    user.gid = static_cast<gid_t>(state.number(std::numeric_limits<gid_t>::max()));
    for (std::size_t left = state.count(); left > 0 && state.is_good(); --left) {
        user.groups.push_back(static_cast<gid_t>(state.number(std::numeric_limits<gid_t>::max())));
    }
    return user;
}

}  // namespace

void Reload::append_to(StateWriter& state) const {
    state.number(in_force_->user ? 1 : 0);
    if (in_force_->user) append(*in_force_->user, state);
    state.text(pid_file_.path());
    state.descriptor(pid_file_.descriptor());
    state.number(renewals_);
    state.number(postponed_ ? 1 : 0);
}

std::optional<sys::User> Reload::take_from(StateReader& state) {
    std::optional<sys::User> user;
    if (state.flag()) user = take_user(state);
    std::string path = state.text();
    sys::UniqueFd fd = state.descriptor();
    if (fd) pid_file_ = PidFile::of(std::move(path), std::move(fd));
    renewals_ = state.number();
    postponed_ = state.flag();
    return user;
}

}  // namespace portsplit::daemon
