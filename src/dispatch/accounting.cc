#include "dispatch/accounting.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>
#include <variant>

#include "core/budgets.h"
#include "sys/tcp_silence.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;

/// One for its client, and one for its service. Only a compromised dispatcher asks more often.
constexpr std::uint8_t kMostQuestions = 2;

/// As exactly as this the kernel knows when a byte came.
constexpr std::chrono::milliseconds kKernelTick{10};

/// For so many connections in `kDelay` no memory is taken anew.
constexpr std::size_t kMostNews = 1024;

bool is_crash(int status) {
    constexpr auto kSignals =
        std::to_array({SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP});
    return WIFSIGNALED(status) && std::ranges::find(kSignals, WTERMSIG(status)) != kSignals.end();
}

/// Returns how long the end of a program keeps its client's source out, in seconds.
/// @param status  of the program
std::size_t penalty_of(const core::Service& service, int status) {
    using Cause = core::Penalty::Cause;
    if (WIFSIGNALED(status)) {
        return core::penalty_in(service.penalty, Cause::Signal).value_or(0);
    }
    const auto code = static_cast<std::size_t>(WEXITSTATUS(status));
    return core::penalty_in(service.penalty, Cause::Exit, code).value_or(0);
}

}  // namespace

bool is_decided(const Progress& progress) {
    if (progress.decided == 0 || progress.service == Progress::kNone || progress.asks != 0) {
        return false;
    }
    return progress.reason != core::Reason::Timeout || progress.heard != 0;
}

Accounting::Accounting(const core::Plan& plan)
    : plan_(plan),
      may_ask_(core::asks_daemon(plan.config())),
      limited_(core::limited_services(plan.config())) {
    news_.reserve(kMostNews);
}

sys::Result<sys::Done> Accounting::prepare() {
    if (!may_ask_) return sys::Done{};
    std::array<int, 2> ends{-1, -1};
    // Non-blocking, so that nobody who does not read can stop the zygote.
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) < 0) {
        return sys::SysError{errno, "cannot make a pipe, so a connection is not counted"};
    }
    next_read_.reset(ends[0]);
    next_write_.reset(ends[1]);
    return sys::Done{};
}

sys::UniqueFd Accounting::keep(pid_t spare) {
    if (next_write_) pipes_.insert_or_assign(spare, std::move(next_write_));
    return std::move(next_read_);
}

sys::UniqueFd Accounting::take() {
    next_write_.reset();
    pipes_.clear();
    return std::move(next_read_);
}

std::optional<handoff::Question> Accounting::note(pid_t pid, ConnectionRecord& record,
                                                  const Progress& progress) {
    if (progress.asks != 0 && record.questions < kMostQuestions && pipes_.contains(pid)) {
        ++record.questions;
        asked_.insert_or_assign(record.id, pid);
        handoff::Question question{.id = record.id};
        if (progress.service == Progress::kNone) {
            question.client = record.arrival.ends.peer;
        } else {
            question.service = static_cast<std::int32_t>(
                core::budget_index(limited_, static_cast<std::size_t>(progress.service)));
        }
        return question;
    }
    if (is_decided(progress)) decide(pid, record);
    return std::nullopt;
}

void Accounting::decide(pid_t pid, ConnectionRecord& record) {
    if (record.is_decided) return;
    record.is_decided = true;
    pipes_.erase(pid);
    if (news_.empty()) due_ = Clock::now() + kDelay;
    news_.push_back({pid, record.id});
}

/// A program has the client's socket itself, so only the kernel knows whether the client has spoken to it.
bool Accounting::may_end(pid_t pid, ConnectionRecord& record) {
    if (record.is_decided) return false;
    if (becomes_program(plan_, record.progress)) {
        const auto silence =
            record.has_named_ends ? std::nullopt : sys::silence_of(record.arrival.ends);
        const sys::Arrival& arrival = record.arrival;
        const auto limit =
            arrival.hurry.count() > 0 ? arrival.hurry : plan_.timeout({arrival.listener});
        const auto deadline = arrival.accepted + limit;
        if (!silence || Clock::now() - *silence + kKernelTick > deadline) decide(pid, record);
    }
    return !record.is_decided;
}

void Accounting::answer(const handoff::Answer& answer) {
    const auto asked = asked_.find(answer.id);
    if (asked == asked_.end()) return;
    const auto pipe = pipes_.find(asked->second);
    if (answer.refusal >= core::kRefusals) return;
    const std::byte byte{static_cast<std::uint8_t>(answer.refusal)};
    if (pipe != pipes_.end()) (void)!::write(pipe->second.get(), &byte, 1);
    asked_.erase(asked);
}

void Accounting::answer_all() {
    pipes_.clear();
    asked_.clear();
}

void Accounting::forget(pid_t pid) {
    pipes_.erase(pid);
    std::erase_if(asked_, [pid](const auto& entry) { return entry.second == pid; });
}

std::vector<handoff::Decided> Accounting::take_decided(Connections& connections) {
    if (Clock::now() < due_) return {};
    due_ = Clock::time_point::max();
    std::vector<handoff::Decided> messages;
    for (const News& one : news_) {
        const ConnectionRecord* record = connections.find(one.pid);
        if (record == nullptr || record->id != one.id) continue;
        if (messages.empty() || messages.back().count == handoff::Decided::kMost) {
            messages.emplace_back();
        }
        handoff::Decided& message = messages.back();
        message.ids[message.count++] = one.id;
    }
    news_.clear();
    return messages;
}

handoff::Reaped Accounting::reaped(const ConnectionRecord& record, int status) const {
    const Progress& progress = record.progress;
    handoff::Reaped message{.id = record.id};
    const core::Service* service = service_of(plan_, progress);
    const bool was_program = becomes_program(plan_, progress);
    const bool is_late = progress.decided != 0 && progress.reason == core::Reason::Timeout &&
                         progress.heard == 0 && !was_program;
    if (record.is_excess || is_late) message.cause = handoff::Reaped::Cause::Undecided;
    const bool is_crashed = is_crash(status) || progress.failure.stage == Stage::Sniffer;
    if (is_crashed && !was_program) message.cause = handoff::Reaped::Cause::Crash;
    if (service != nullptr && (progress.ended != 0 || was_program)) {
        const int of_program = progress.ended != 0 ? progress.status : status;
        message.penalty = static_cast<std::uint32_t>(penalty_of(*service, of_program));
    }
    return message;
}

}  // namespace portsplit::dispatch
