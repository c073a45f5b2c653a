#include "daemon/service_manager.h"

#include <fmt/core.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "sys/error.h"

namespace portsplit::daemon {
namespace {

using sys::Clock;

/// Between two statuses.
constexpr std::chrono::seconds kStatusPause{1};

/// What sd_listen_fds_with_names(3) returns for a socket without a name.
constexpr std::string_view kNoName = "unknown";

}  // namespace

ServiceManager::ServiceManager() {
    // Removes LISTEN_FDS and its like; the caller frees the names (sd_listen_fds(3)).
    const char* given = ::getenv("LISTEN_FDS");
    const std::string announced = given == nullptr ? "" : given;
    char** names = nullptr;
    const int count = sd_listen_fds_with_names(1, &names);
    if (count < 0) {
        problem_ = fmt::format(
            "the sockets that the environment announces (LISTEN_FDS={}) cannot be used: {}",
            announced, sys::error_text(-count));
    }
    for (int i = 0; i < count; ++i) {
        const std::string name = names[i] == kNoName ? "" : names[i];
        sockets_.push_back({sys::UniqueFd(SD_LISTEN_FDS_START + i), name});
        ::free(names[i]);
    }
    ::free(names);

    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(1, &microseconds) > 0) {
        watchdog_pause_ = std::chrono::microseconds(microseconds / 2);
    }
    if (const char* socket = ::getenv("NOTIFY_SOCKET")) notify_socket_ = socket;
    ::unsetenv("NOTIFY_SOCKET");
}

std::vector<std::string> ServiceManager::environment() const {
    std::vector<std::string> variables;
    if (can_notify()) variables.push_back(fmt::format("NOTIFY_SOCKET={}", notify_socket_));
    if (watchdog_pause_.count() > 0) {
        variables.push_back(fmt::format("WATCHDOG_USEC={}", watchdog_pause_.count() * 2));
    }
    return variables;
}

void ServiceManager::notify_ready(const std::string& status) {
    status_ = status;
    notify(fmt::format("READY=1\nSTATUS={}", status));
}

void ServiceManager::notify_reloading() {
    const auto now = Clock::now().time_since_epoch();
    const auto stamp = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", stamp));
}

void ServiceManager::notify_stopping(const std::string& status) {
    notify(fmt::format("STOPPING=1\nSTATUS={}", status));
}

Clock::time_point ServiceManager::due() const {
    auto due = Clock::time_point::max();
    if (!can_notify()) return due;
    if (watchdog_pause_.count() > 0) due = watchdog_sent_ + watchdog_pause_;
    return status_pending_ ? std::min(due, status_sent_ + kStatusPause) : due;
}

void ServiceManager::keep_informed(const std::string& status) {
    if (!can_notify()) return;
    const auto now = Clock::now();
    if (watchdog_pause_.count() > 0 && now >= watchdog_sent_ + watchdog_pause_) {
        watchdog_sent_ = now;
        notify("WATCHDOG=1");
    }
    status_pending_ = status != status_;
    if (!status_pending_ || now < status_sent_ + kStatusPause) return;
    status_pending_ = false;
    status_sent_ = now;
    status_ = status;
    notify(fmt::format("STATUS={}", status));
}

/// sd_notify(3) reads NOTIFY_SOCKET; it is in the environment during the call only.
void ServiceManager::notify(const std::string& state) {
    if (!can_notify()) return;
    ::setenv("NOTIFY_SOCKET", notify_socket_.c_str(), 1);
    constexpr int kUnsetEnvironment = 1;
    sd_notify(kUnsetEnvironment, state.c_str());
}

}  // namespace portsplit::daemon
