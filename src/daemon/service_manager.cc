#include "daemon/service_manager.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>

namespace portsplit::daemon {
namespace {

using sys::Clock;

/// How often a changed status is told at most.
constexpr std::chrono::seconds kStatusPause{1};

}  // namespace

ServiceManager::ServiceManager() {
    // Clears LISTEN_FDS itself; the names are ours to free, sd_listen_fds(3).
    char** names = nullptr;
    const int count = sd_listen_fds_with_names(1, &names);
    for (int i = 0; i < count; ++i) {
        sockets_.push_back({sys::UniqueFd(SD_LISTEN_FDS_START + i), names[i]});
        ::free(names[i]);
    }
    ::free(names);

    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(1, &microseconds) > 0) {
        watchdog_ = std::chrono::microseconds(microseconds / 2);
    }
    if (const char* socket = ::getenv("NOTIFY_SOCKET")) notify_socket_ = socket;
    ::unsetenv("NOTIFY_SOCKET");
}

void ServiceManager::ready(const std::string& status) {
    status_ = status;
    tell("READY=1\nSTATUS=" + status);
}

void ServiceManager::reloading() {
    const auto now = Clock::now().time_since_epoch();
    const auto stamp = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(stamp));
}

void ServiceManager::stopping(const std::string& status) { tell("STOPPING=1\nSTATUS=" + status); }

Clock::time_point ServiceManager::due() const {
    auto due = Clock::time_point::max();
    if (notify_socket_.empty()) return due;
    if (watchdog_.count() > 0) due = fed_ + watchdog_;
    return untold_ ? std::min(due, told_ + kStatusPause) : due;
}

void ServiceManager::keep_informed(const std::string& status) {
    if (notify_socket_.empty()) return;
    const auto now = Clock::now();
    if (watchdog_.count() > 0 && now >= fed_ + watchdog_) {
        fed_ = now;
        tell("WATCHDOG=1");
    }
    untold_ = status != status_;
    if (!untold_ || now < told_ + kStatusPause) return;
    untold_ = false;
    told_ = now;
    status_ = status;
    tell("STATUS=" + status);
}

/// libsystemd finds the socket in the environment; it is there for the call only.
void ServiceManager::tell(const std::string& state) {
    if (notify_socket_.empty()) return;
    ::setenv("NOTIFY_SOCKET", notify_socket_.c_str(), 1);
    sd_notify(1, state.c_str());  // 1: and clears it again
}

}  // namespace portsplit::daemon
