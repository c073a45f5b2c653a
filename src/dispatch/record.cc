#include "dispatch/record.h"

#include <chrono>
#include <string>

#include "core/passed_fields.h"
#include "dispatch/log_line.h"

namespace portsplit::dispatch {

using sys::Level;

namespace {

/// A client without a budget left comes again and again, and so does a balancer without a header.
SourceLines::About about(const Progress& progress) {
    const bool is_unserved =
        progress.decided != 0 && progress.service == Progress::kNone &&
        (progress.reason == core::Reason::Eof || progress.reason == core::Reason::Limit ||
         progress.reason == core::Reason::Proxy);
    return is_unserved ? SourceLines::About::Unserved : SourceLines::About::Served;
}

}  // namespace

void ConnectionLog::update(ConnectionRecord& record, const Progress& progress, pid_t pid,
                           std::string_view fields) {
    const auto write = [&](Level level, const char* kind, const std::string& text,
                           int most = sys::Log::kLimitedLines) {
        if (rate_ == Rate::Limited) {
            log_.limited(level, kind, text, pid, most);
        } else {
            log_.line(level, text, pid);
        }
    };
    const bool warned = record.progress.gave_up != Progress::kNone;
    record.progress = progress;
    if (!warned && progress.gave_up != Progress::kNone) {
        write(Level::Warning, "costly expressions", gave_up_line(plan_, record.arrival, progress));
    }
    const bool starts =
        progress.service != Progress::kNone && progress.asks == 0 && !record.started;
    if (starts && lines_of(progress) == core::LogLines::Start) {
        record.started = true;
        std::string line = start_line(plan_, record.arrival.ends, progress);
        line += sys::text_of(record.arrival.credentials) + listener_text(plan_, record.arrival);
        log_.line(Level::Info, line.append(fields), pid);
    }
    if (progress.failure.stage == Stage::Stderr) {
        write(Level::Warning, "unlogged standard error",
              failure_line(plan_, record.arrival, progress), 1);
    } else if (progress.failure.stage != Stage::None) {
        write(Level::Error, "failed connections", failure_line(plan_, record.arrival, progress));
    }
}

core::LogLines ConnectionLog::lines_of(const Progress& progress) const {
    return core::log_lines(plan_.config(), service_of(plan_, progress));
}

void ConnectionLog::finish(const ConnectionRecord& record, std::optional<int> status, pid_t pid,
                           std::string_view fields) {
    const Progress& progress = record.progress;
    const core::LogLines lines = lines_of(progress);
    if (lines == core::LogLines::None) return;
    const sys::Address& peer = record.arrival.ends.peer;
    const bool may_count =
        rate_ == Rate::Limited && lines == core::LogLines::End && peer.is_internet();
    if (may_count && !source_lines_.admit(peer.ip(), about(progress))) return;
    const auto duration = std::chrono::duration_cast<std::chrono::milliseconds>(
        sys::Clock::now() - record.arrival.accepted);
    std::string line =
        connection_line(plan_, record.arrival.ends, record.progress, status, duration);
    line += sys::text_of(record.arrival.credentials) + listener_text(plan_, record.arrival);
    log_.line(Level::Info, line.append(fields).append(limit_text(progress)), pid);
}

void ConnectionLog::report() {
    const auto now = sys::Clock::now();
    if (now >= source_lines_.due()) report_until(now);
}

void ConnectionLog::report_all() { report_until(sys::Clock::time_point::max()); }

void ConnectionLog::report_until(sys::Clock::time_point time) {
    for (const std::string& line : source_lines_.reports(time)) log_.line(Level::Info, line);
}

}  // namespace portsplit::dispatch
