#include "dispatch/inetd.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dispatch/dispatcher.h"
#include "dispatch/log_line.h"
#include "dispatch/progress.h"
#include "exit_codes.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/program.h"
#include "sys/signals.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using sys::Level;
using sys::UniqueFd;

/// Logs what the dispatcher tells, in the same process. The line of a connection whose program
/// takes this process's place can only be written before that.
class LogReporter final : public Reporter {
  public:
    LogReporter(const core::Plan& plan, sys::Log& log, sys::Ends ends, Clock::time_point accepted)
        : plan_(plan), log_(log), ends_(ends), accepted_(accepted) {}

    void finish(int exit_code) {
        if (written_) return;
        write(exit_code << 8);  // as waitpid(2) would tell of it
    }

  protected:
    void send(const Progress& progress) override {
        const bool is_news = last_.gave_up == Progress::kNone;
        last_ = progress;
        if (is_news && progress.gave_up != Progress::kNone) {
            log_.line(Level::Warning, gave_up_line(plan_, ends_, progress));
        }
        if (progress.failure.stage != Stage::None) {
            log_.line(Level::Error, failure_line(plan_, ends_, progress));
        } else if (becomes_program(plan_, progress)) {
            write(std::nullopt);
        }
    }

  private:
    void write(std::optional<int> status) {
        const auto duration =
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - accepted_);
        log_.line(Level::Info, connection_line(plan_, ends_, last_, status, duration));
        written_ = true;
    }

    const core::Plan& plan_;
    sys::Log& log_;
    sys::Ends ends_;
    Clock::time_point accepted_;
    Progress last_;
    bool written_ = false;
};

/// Why descriptor 0 cannot be served; empty when it can.
std::string why_not_a_connection() {
    if (sys::is_listening(STDIN_FILENO)) {
        return "descriptor 0 is a listening socket: set wait = no (xinetd), nowait (inetd) or "
               "Accept=yes (systemd), or let portsplitd listen";
    }
    if (!sys::is_stream(STDIN_FILENO)) {
        return "descriptor 0 is not a stream socket: --inetd serves the one connection that a "
               "super-server passes there";
    }
    return "";
}

/// Who a super-server says the client is: behind one that decodes the word of a proxy, the socket's
/// own peer would be that proxy (tcp-environ(5)).
std::optional<sys::Address> told_address(const char* host_name, const char* port_name) {
    const char* host = ::getenv(host_name);
    const char* port = ::getenv(port_name);
    if (host == nullptr || port == nullptr) return std::nullopt;
    std::uint16_t number = 0;
    const std::string_view text = port;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
    if (error != std::errc() || end != text.end()) return std::nullopt;
    return sys::Address::from({host, number});
}

}  // namespace

int serve_inetd(const core::Plan& plan, sys::Log& log) {
    const auto accepted = Clock::now();
    if (const std::string why = why_not_a_connection(); !why.empty()) {
        log.line(Level::Error, why);
        return kExitUsage;
    }
    auto peer = sys::peer_address(STDIN_FILENO);
    auto local = sys::local_address(STDIN_FILENO);
    if (!peer || !local) return 0;  // reset before we came
    if (const auto told = told_address("TCPREMOTEIP", "TCPREMOTEPORT")) peer = *told;
    if (const auto told = told_address("TCPLOCALIP", "TCPLOCALPORT")) local = *told;

    UniqueFd client(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!client) return kExitTemporary;
    // The socket stays on one descriptor only, so that its end is seen when the relay ends it.
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(fd);
    if (!sys::open_standard_descriptors()) return kExitSystem;

    const Setting setting{plan, sys::own_environment(), log.descriptor()};
    LogReporter reporter(plan, log, {*peer, *local}, accepted);
    const int exit_code = serve({std::move(client), {*peer, *local}, accepted}, setting, reporter);
    reporter.finish(exit_code);
    return exit_code;
}

}  // namespace portsplit::dispatch
