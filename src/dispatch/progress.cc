#include "dispatch/progress.h"

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "sys/channel.h"
#include "sys/clock.h"
#include "sys/error.h"

namespace portsplit::dispatch {
namespace {

/// The daemon answers at once unless it was stopped; then the connection goes on.
constexpr std::chrono::seconds kAnswerLimit{2};

}  // namespace

bool is_valid(const core::Plan& plan, const Progress& progress) {
    if (core::to_string(progress.reason).empty()) return false;
    if (progress.failure.stage > Stage::Start) return false;
    if (progress.refusal >= core::kRefusals) return false;
    const auto& services = plan.config().services;
    const auto is_service = [&services](std::int32_t index) {
        return index >= 0 && static_cast<std::size_t>(index) < services.size();
    };
    if (progress.gave_up != Progress::kNone && !is_service(progress.gave_up)) return false;
    if (progress.service == Progress::kNone) {
        return progress.target == Progress::kNone && progress.has_stderr == 0;
    }
    if (!is_service(progress.service)) return false;
    const core::Service& service = services[static_cast<std::size_t>(progress.service)];
    if (progress.has_stderr != 0 && !logs_stderr(service)) return false;
    const auto* connect = std::get_if<core::Connect>(&service.action);
    if (connect == nullptr) return progress.target == Progress::kNone;
    const auto targets = static_cast<std::int64_t>(connect->targets.size());
    return progress.target >= Progress::kNone && progress.target < targets &&
           progress.failure.target < connect->targets.size();
}

const core::Service* service_of(const core::Plan& plan, const Progress& progress) {
    if (progress.service == Progress::kNone) return nullptr;
    return &plan.service(static_cast<std::size_t>(progress.service));
}

bool becomes_program(const core::Plan& plan, const Progress& progress) {
    const core::Service* service = service_of(plan, progress);
    if (service == nullptr || progress.asks != 0) return false;
    const auto* exec = std::get_if<core::Exec>(&service->action);
    return exec != nullptr && exec->stdio == core::Stdio::Socket;
}

bool logs_stderr(const core::Service& service) {
    const auto* exec = std::get_if<core::Exec>(&service.action);
    return exec != nullptr && exec->stderr_to == core::StderrTo::Log;
}

bool is_last(const core::Plan& plan, const Progress& progress) {
    if (progress.asks != 0) return false;
    const bool closes = progress.decided != 0 && progress.service == Progress::kNone;
    return is_fatal(progress.failure.stage) || closes || progress.counted != 0 ||
           becomes_program(plan, progress);
}

sys::Result<sys::Done> ChannelReporter::send(const Progress& progress, int fd) {
    // If the zygote is gone, the log line is lost; the connection is served all the same.
    core::Bytes bytes = std::as_bytes(std::span(&progress, 1));
    std::vector<std::byte> all;
    if (ends() || !fields().empty()) {
        const auto append = [&all](core::Bytes part) {
            all.insert(all.end(), part.begin(), part.end());
        };
        append(bytes);
        if (ends()) append(std::as_bytes(std::span(&*ends(), 1)));
        append(core::as_bytes(fields()));
        bytes = all;
    }
    return sys::send_message(channel_, bytes, carries_ == Carries::All ? fd : -1, 0);
}

core::Refusal ChannelReporter::wait_for_answer() {
    if (answers_ < 0) return core::Refusal::None;
    const auto until = sys::Clock::now() + kAnswerLimit;
    pollfd entry{.fd = answers_, .events = POLLIN, .revents = 0};
    std::uint8_t refusal = 0;
    const int ready = sys::retry([&] { return ::poll(&entry, 1, sys::poll_timeout(until)); });
    if (ready > 0) (void)!::read(answers_, &refusal, 1);
    return static_cast<core::Refusal>(refusal);
}

}  // namespace portsplit::dispatch
