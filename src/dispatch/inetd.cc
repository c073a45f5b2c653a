#include "dispatch/inetd.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dispatch/dispatcher.h"
#include "dispatch/progress.h"
#include "dispatch/record.h"
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

/// Logs the progress of the one connection that this process serves.
class LogReporter final : public Reporter {
  public:
    LogReporter(const core::Plan& plan, sys::Log& log, const ConnectionRecord& record)
        : plan_(plan), log_(plan, log, ConnectionLog::Rate::All), record_(record) {}

    /// Writes the connection line unless it is written already.
    void finish(int exit_code) {
        if (!written_) log_.finish(record_, W_EXITCODE(exit_code, 0));
    }

  protected:
    void send(const Progress& progress) override {
        log_.update(record_, progress);
        // This process is about to exec the program and cannot log afterwards: write the connection
        // line now.
        if (progress.failure.stage == Stage::None && becomes_program(plan_, progress)) {
            log_.finish(record_, std::nullopt);
            written_ = true;
        }
    }

  private:
    const core::Plan& plan_;
    ConnectionLog log_;
    ConnectionRecord record_;
    bool written_ = false;  ///< true once the connection line is written
};

/// Returns why descriptor 0 cannot be served; empty if it can.
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

/// Returns an address from two variables of the environment (tcp-environ(5)). Behind a super-server
/// that decodes the PROXY protocol, the socket's own peer is the proxy, and these name the client.
std::optional<sys::Address> address_in_environment(const char* host_name, const char* port_name) {
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
    if (!peer || !local) return 0;  // the client reset the connection
    if (const auto given = address_in_environment("TCPREMOTEIP", "TCPREMOTEPORT")) peer = *given;
    if (const auto given = address_in_environment("TCPLOCALIP", "TCPLOCALPORT")) local = *given;

    UniqueFd client(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!client) return kExitTemporary;
    // One descriptor holds the socket from here on, so closing it ends the connection.
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(fd);
    if (!sys::open_standard_descriptors()) return kExitSystem;

    const Setting setting{plan, sys::own_environment(), log.descriptor()};
    const sys::Arrival arrival{accepted, {*peer, *local}};
    LogReporter reporter(plan, log, {.arrival = arrival});
    const int exit_code = serve({std::move(client), arrival}, setting, reporter);
    reporter.finish(exit_code);
    return exit_code;
}

}  // namespace portsplit::dispatch
