#include "dispatch/inetd.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/dispatcher.h"
#include "dispatch/log_process.h"
#include "dispatch/loop.h"
#include "dispatch/progress.h"
#include "dispatch/setting.h"
#include "dispatch/sniffer.h"
#include "dispatch/told_addresses.h"
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

/// What a super-server gave as descriptors 0 and 1.
enum class Given {
    Socket,     ///< a connected stream socket on 0
    Pipes,      ///< two pipes
    Listening,  ///< a socket that is no connection yet
    Other,
};

Given look_at_descriptors() {
    if (sys::is_listening(STDIN_FILENO)) return Given::Listening;
    if (sys::is_stream(STDIN_FILENO)) return Given::Socket;
    const bool pipes = sys::is_pipe(STDIN_FILENO) && sys::is_pipe(STDOUT_FILENO);
    return pipes ? Given::Pipes : Given::Other;
}

/// Returns why the descriptors cannot be served; empty if they can.
std::string why_not_a_connection(Given given) {
    if (given == Given::Listening) {
        return "descriptor 0 is a listening socket: set wait = no (xinetd), nowait (inetd) or "
               "Accept=yes (systemd), or let portsplitd listen";
    }
    if (given == Given::Other) {
        return "descriptors 0 and 1 are neither a stream socket nor two pipes: --inetd serves the "
               "one connection that a super-server passes there";
    }
    return "";
}

/// Returns the addresses of the socket on descriptor 0; none if the client reset the connection.
std::optional<sys::Ends> ends_of_socket() {
    const auto peer = sys::peer_address(STDIN_FILENO);
    const auto local = sys::local_address(STDIN_FILENO);
    if (!peer || !local) return std::nullopt;
    return sys::Ends{*peer, *local};
}

/// Confines this process. Says nothing but what keeps it from serving: each connection would have the line.
/// @param relays  what they give up, where programs are started: then this process gives up no more now
/// @param local  the address that the client came to
/// @returns false if the configuration requires more, with the reason logged
bool confine_this(const Setting& setting, const Confinement& relays, const sys::Address& local,
                  sys::Log& log) {
    if (setting.has_programs) {
        if (relays.is_refused) log.line(relays.level, relays.report);
        if (relays.is_refused || !setting.serving) return !relays.is_refused;
        const auto kept = keep_rights_for(setting.plan.config());
        if (!kept) log.line(Level::Error, sys::to_string(kept.error()));
        return kept.ok();
    }
    core::List<core::Endpoint> listeners = setting.listeners;
    if (local.is_internet()) listeners.push_back({"*", local.port()});
    const Work work = work_for(setting.plan.config(), listeners);
    const Confinement confinement = confine(setting.plan.config(), work);
    if (confinement.is_refused) log.line(confinement.level, confinement.report);
    return !confinement.is_refused;
}

/// Returns the environment of this process without what systemd has told it alone (sd_listen_fds(3)): a program
/// keeps the process id, and the descriptors are closed.
std::vector<std::string> environment_for_programs() {
    std::vector<std::string> environment = sys::own_environment();
    std::erase_if(environment, [](const std::string& entry) {
        return entry.starts_with("LISTEN_PID=") || entry.starts_with("LISTEN_FDS=") ||
               entry.starts_with("LISTEN_FDNAMES=") || entry.starts_with("LISTEN_PIDFDID=");
    });
    return environment;
}

UniqueFd copy_of(int fd) { return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)); }

}  // namespace

bool is_client(int fd) {
    if (sys::is_same_stream(STDIN_FILENO, fd)) return true;
    return look_at_descriptors() == Given::Pipes && sys::is_same_stream(STDOUT_FILENO, fd);
}

int serve_inetd(const core::Plan& plan, const core::Entrance& entrance, sys::Log& log,
                LogTo log_to) {
    const auto accepted = Clock::now();
    const Given given = look_at_descriptors();
    if (const std::string why = why_not_a_connection(given); !why.empty()) {
        log.line(Level::Error, why);
        return kExitUsage;
    }
    const auto ends = given == Given::Socket ? ends_of_socket() : sys::Ends();
    if (!ends) return 0;

    const auto listener = static_cast<std::uint32_t>(entrance.listener);
    const sys::Ends told = told_ends(*ends);
    const auto credentials =
        told.peer.is_unix() ? sys::credentials_of(STDIN_FILENO) : sys::Credentials();
    Client client{copy_of(STDIN_FILENO), {accepted, told, listener, credentials}};
    if (given == Given::Pipes) client.output = copy_of(STDOUT_FILENO);
    if (!client.fd || (given == Given::Pipes && !client.output)) return kExitTemporary;
    // One descriptor holds the socket from here on, so closing it ends the connection.
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(fd);
    if (const auto opened = sys::open_standard_descriptors(); !opened) {
        log.line(Level::Error, sys::to_string(opened.error()) + "; the connection is closed");
        return kExitSystem;
    }

    auto log_process = LogProcess::fork(plan, log, log_to, client.arrival);
    if (!log_process) {
        log.line(Level::Error, sys::to_string(log_process.error()) + "; the connection is closed");
        return kExitTemporary;
    }
    Setting setting{.plan = plan,
                    .environment = environment_for_programs(),
                    .listeners = binds_of(plan.config()),
                    .has_programs = first_program(plan.config()) != nullptr};
    const bool lends_log = std::ranges::any_of(plan.config().services, logs_stderr);
    // A process that has the log for a program does not look at bytes itself.
    const bool may_look = !lends_log || plan.config().sandbox == core::Sandbox::Off;
    if (needs_sniffers(plan, ::geteuid() == 0) || !may_look) setting.eyes = Setting::Eyes::Fork;
    setting.serving = serving_user(plan.config());
    RelaySandbox relays;
    if (setting.has_programs) {
        relays = RelaySandbox::prepare(plan.config());
        if (relays.is_on()) setting.relays = &relays;
    }
    if (!confine_this(setting, relays.confinement(), client.arrival.ends.local, log)) {
        return kExitSystem;
    }
    if (lends_log) setting.log = copy_of(log.descriptor()).release();
    log.close();
    ChannelReporter reporter(log_process->channel(), -1, ChannelReporter::Carries::NoDescriptors);
    const int exit_code = serve(std::move(client), setting, reporter);
    reporter.publish_end(exit_code);
    log_process->wait();
    return exit_code;
}

}  // namespace portsplit::dispatch
