#include "dispatch/record.h"

#include <chrono>
#include <string>

#include "dispatch/log_line.h"

namespace portsplit::dispatch {

using sys::Level;

void ConnectionLog::update(ConnectionRecord& record, const Progress& progress, pid_t pid) {
    const auto write = [&](Level level, const char* kind, const std::string& text) {
        if (rate_ == Rate::Limited) {
            log_.limited(level, kind, text, pid);
        } else {
            log_.line(level, text, pid);
        }
    };
    const bool warned = record.progress.gave_up != Progress::kNone;
    record.progress = progress;
    if (!warned && progress.gave_up != Progress::kNone) {
        write(Level::Warning, "costly expressions",
              gave_up_line(plan_, record.arrival.ends, progress));
    }
    if (progress.failure.stage != Stage::None) {
        write(Level::Error, "failed connections",
              failure_line(plan_, record.arrival.ends, progress));
    }
}

void ConnectionLog::finish(const ConnectionRecord& record, std::optional<int> status, pid_t pid) {
    const auto duration = std::chrono::duration_cast<std::chrono::milliseconds>(
        sys::Clock::now() - record.arrival.accepted);
    log_.line(Level::Info,
              connection_line(plan_, record.arrival.ends, record.progress, status, duration), pid);
}

}  // namespace portsplit::dispatch
