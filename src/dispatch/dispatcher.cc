#include "dispatch/dispatcher.h"

#include <fcntl.h>

#include <utility>
#include <variant>

#include "dispatch/connect.h"
#include "dispatch/launch.h"
#include "dispatch/relay.h"
#include "dispatch/side.h"
#include "dispatch/sniff.h"
#include "dispatch/spawn.h"
#include "exit_codes.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using sys::UniqueFd;

/// Prepares the client's socket for a relay: non-blocking, without delay, with keepalive.
Side client_side(UniqueFd client) {
    sys::set_blocking(client.get(), false);
    sys::set_no_delay(client.get());
    sys::set_keepalive(client.get());
    return Side::socket(std::move(client));
}

int relay_to_target(Client client, const core::Connect& connect, Reporter& reporter) {
    auto server = connect_to_target(connect, reporter);
    if (!server) return kExitTemporary;
    sys::set_no_delay(server->get());
    sys::set_keepalive(server->get());
    const Totals totals = relay(client_side(std::move(client.fd)), Side::socket(std::move(*server)),
                                kSocketRelay, reporter);
    reporter.publish_counts(totals.in, totals.out);
    return 0;
}

/// Returns the program's descriptor 2; /dev/null if there is no other.
/// @param own  owns the descriptor if one was opened
int error_output(core::StderrTo to, int client, int log, UniqueFd& own) {
    if (to == core::StderrTo::Client) return client;
    if (to == core::StderrTo::Log && log >= 0) return log;
    own.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
    return own.get();
}

int become_program(const Client& client, const core::Exec& exec, const Setting& setting,
                   const std::vector<std::string>& environment, Reporter& reporter) {
    UniqueFd own;
    const int fd = client.fd.get();
    const int err = error_output(exec.stderr_to, fd, setting.log, own);
    const sys::SysError error = launch(exec, {fd, fd, err}, environment);
    reporter.publish_failure(Stage::Start, error.code);
    return exit_code(error);
}

int relay_to_program(Client client, const core::Exec& exec, const Setting& setting,
                     const std::vector<std::string>& environment, Reporter& reporter) {
    UniqueFd own;
    const int err = error_output(exec.stderr_to, -1, setting.log, own);
    auto program = spawn(exec, err, environment);
    own.reset();
    if (!program) {
        reporter.publish_failure(Stage::Start, program.error().code);
        return exit_code(program.error());
    }
    Side side = exec.stdio == core::Stdio::Pty
                    ? Side::terminal(std::move(program->output), std::move(program->input))
                    : Side::pipes(std::move(program->output), std::move(program->input));
    const Totals totals =
        relay(client_side(std::move(client.fd)), std::move(side), kProgramRelay, reporter);
    reporter.set_status(sys::wait_for_child(program->pid));
    reporter.publish_counts(totals.in, totals.out);
    return 0;
}

}  // namespace

int serve(Client client, const Setting& setting, Reporter& reporter) {
    const core::Plan& plan = setting.plan;
    const auto timeout = plan.config().timeout;
    const auto deadline =
        timeout.count() == 0 ? Clock::time_point::max() : client.arrival.accepted + timeout;

    const auto verdict = sniff(client.fd.get(), plan, deadline, reporter);
    if (!verdict) {
        reporter.publish_failure(Stage::Look, verdict.error().code);
        return kExitTemporary;
    }
    reporter.set_verdict(*verdict);
    if (!verdict->service) {
        reporter.publish();
        return 0;
    }
    const core::Service& service = plan.service(*verdict->service);
    if (const auto* connect = std::get_if<core::Connect>(&service.action)) {
        return relay_to_target(std::move(client), *connect, reporter);
    }
    reporter.about_to_block();
    const auto& exec = std::get<core::Exec>(service.action);
    const auto environment = program_environment(setting.environment, client.arrival.ends,
                                                 std::string(service.name), verdict->reason);
    if (exec.stdio == core::Stdio::Socket) {
        return become_program(client, exec, setting, environment, reporter);
    }
    return relay_to_program(std::move(client), exec, setting, environment, reporter);
}

}  // namespace portsplit::dispatch
