#include "dispatch/log_process.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <span>
#include <string>

#include "dispatch/progress_channel.h"
#include "dispatch/progress_message.h"
#include "dispatch/record.h"
#include "dispatch/sniffer.h"
#include "exit_codes.h"
#include "sys/channel.h"
#include "sys/process.h"

namespace portsplit::dispatch {
namespace {

using sys::SysError;
using sys::UniqueFd;

/// A pair, the log, and none to spare.
constexpr unsigned kMostOfLogProcess = 16;
/// How long the dispatcher waits for the last line, in milliseconds.
constexpr int kMostWait = 1000;
/// More messages than a dispatcher has for one connection: each of its targets may fail. A compromised one
/// could fill the log with failures.
constexpr int kMostMessages = 5000;

/// The lines of the one connection.
class Lines {
  public:
    Lines(const core::Plan& plan, sys::Log& log, const sys::Arrival& arrival, pid_t dispatcher)
        : plan_(plan),
          log_(plan, log, ConnectionLog::Rate::All),
          record_{.arrival = arrival},
          dispatcher_(dispatcher) {}

    void note(const Message& message) {
        if (!is_valid(plan_, message, record_) || messages_ == kMostMessages) return;
        ++messages_;
        const Progress& progress = message.progress;
        if (message.ends) {
            record_.arrival.ends = *message.ends;
            record_.arrival.credentials = {};
            record_.has_named_ends = true;
        }
        fields_ = message.fields;
        log_.update(record_, progress, dispatcher_, fields_);
        if (progress.leaves != 0) {
            finish(W_EXITCODE(progress.exit_code & 0xff, 0));
        } else if (progress.failure.stage == Stage::None && becomes_program(plan_, progress)) {
            finish(std::nullopt);  // nothing tells how the program will end
        }
    }

    /// Writes the line of a connection whose dispatcher has ended without a last message. One that was never
    /// served has none.
    void end() {
        if (messages_ > 0) finish(std::nullopt);
    }

  private:
    void finish(std::optional<int> status) {
        if (!is_finished_) log_.finish(record_, status, dispatcher_, fields_);
        is_finished_ = true;
    }

    const core::Plan& plan_;
    ConnectionLog log_;
    ConnectionRecord record_;
    pid_t dispatcher_;
    std::string fields_;
    int messages_ = 0;
    bool is_finished_ = false;  ///< true once the line of the connection is written
};

[[noreturn]] void serve_lines(const UniqueFd& channel, Lines lines) {
    ProgressChannel::Buffer buffer;
    while (true) {
        const auto received = sys::receive_message(channel.get(), buffer, sys::Wait::ForMessage);
        if (!received || received->size == 0) break;
        const auto message = message_in(std::span(buffer).first(received->size));
        if (message) lines.note(*message);
    }
    lines.end();
    ::_exit(0);
}

}  // namespace

sys::Result<LogProcess> LogProcess::fork(const core::Plan& plan, sys::Log& log, LogTo log_to,
                                         const sys::Arrival& arrival) {
    auto pair = sys::channel_pair();
    if (!pair) return pair.error();
    const pid_t dispatcher = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return SysError{errno, "cannot fork the process that writes the log"};
    if (pid == 0) {
        const pid_t second = ::fork();
        if (second != 0) ::_exit(second > 0 ? 0 : errno);
        const auto [descriptor, without] = log.descriptors();
        sys::close_all_but({pair->second.get(), descriptor, without});
        // A signal for the group of the dispatcher ends it without its line.
        ::setpgid(0, 0);
        sys::set_name("portsplit-log");
        sys::limit_to(kMostOfLogProcess);
        Work work;
        work.sniffs = true;  // it reaches as little
        work.syslog = log_to == LogTo::Syslog;
        work.log = descriptor;
        const core::Config& config = plan.config();
        if (confine_as(sniffing_user(config), config, work).is_refused) ::_exit(kExitSystem);
        serve_lines(pair->second, Lines(plan, log, arrival, dispatcher));
    }
    const int status = sys::wait_for_child(pid);
    if (status != 0) {
        return SysError{WEXITSTATUS(status), "cannot fork the process that writes the log"};
    }
    return LogProcess(std::move(pair->first));
}

void LogProcess::wait() {
    ::shutdown(channel_.get(), SHUT_WR);
    pollfd entry{.fd = channel_.get(), .events = POLLIN, .revents = 0};
    sys::retry([&] { return ::poll(&entry, 1, kMostWait); });
}

}  // namespace portsplit::dispatch
