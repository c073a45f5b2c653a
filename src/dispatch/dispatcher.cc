#include "dispatch/dispatcher.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "core/budgets.h"
#include "dispatch/connect.h"
#include "dispatch/failed_targets.h"
#include "dispatch/launch.h"
#include "dispatch/loop.h"
#include "dispatch/origin.h"
#include "dispatch/proxy_in.h"
#include "dispatch/proxy_out.h"
#include "dispatch/read_ahead.h"
#include "dispatch/relay.h"
#include "dispatch/side.h"
#include "dispatch/sniff.h"
#include "dispatch/sniffer.h"
#include "dispatch/spawn.h"
#include "dispatch/transparent.h"
#include "exit_codes.h"
#include "sys/process.h"
#include "sys/signals.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using sys::UniqueFd;

/// The options of a service for a TCP socket; others ignore them.
void set_options(int fd, const core::Service& service) {
    sys::set_no_delay(fd, service.no_delay);
    sys::set_keepalive(fd, std::chrono::seconds(service.keepalive));
    sys::set_user_timeout(fd, std::chrono::seconds(service.user_timeout));
}

/// Makes the client a side of a relay.
Side client_side(Client client) {
    sys::set_blocking(client.fd.get(), false);
    if (!client.output) return Side::socket(std::move(client.fd));
    sys::set_blocking(client.output.get(), false);
    return Side::pipes(std::move(client.fd), std::move(client.output));
}

/// A client whose service is chosen.
struct Chosen {
    Client client;
    Origin origin;
    TransparentSockets transparent;
    const core::Service& service;
    std::size_t index;  ///< of the service
    core::Reason reason;
    std::vector<core::Passed::Variable> fields;  ///< for a program
    std::vector<core::ProxyTlv> tlvs;            ///< for a target
    std::vector<std::byte> ahead;                ///< bytes that were read; of a socket none
};

RelayLimits limits_of(const Chosen& chosen) {
    const core::Service& service = chosen.service;
    RelayLimits limits;
    if (service.idle.count() > 0) limits.idle = service.idle;
    if (service.half_closed.count() > 0) limits.half_closed = service.half_closed;
    limits.publish_heard = chosen.reason == core::Reason::Timeout;
    return limits;
}

/// Sends the PROXY header. Publishes a failure.
/// @returns false if it cannot be sent
bool introduce(Chosen& chosen, const core::Connect& connect, int server, Reporter& reporter) {
    const std::string header = proxy_header(connect, chosen.origin, std::move(chosen.tlvs));
    const bool bytes_follow =
        !chosen.ahead.empty() || sys::unread_bytes(chosen.client.fd.get()) > 0;
    const auto sent = send_first(server, header, bytes_follow);
    if (!sent) reporter.publish_failure(Stage::Connect, sent.error().code, reporter.target());
    return sent.ok();
}

std::optional<UniqueFd> reach_target(Chosen& chosen, const core::Connect& connect,
                                     const Setting& setting, Reporter& reporter) {
    const TargetChoice choice{setting.failed_targets, chosen.index};
    const OwnListeners own{setting.listeners, chosen.client.arrival.ends.local};
    if (!connect.transparent) return connect_to_target(connect, own, choice, reporter);
    auto bound = chosen.transparent.take_for(chosen.origin.ends.peer);
    if (bound) return connect_to_target(connect, own, choice, reporter, &*bound);
    const std::vector<std::size_t> order = choice.order(connect.targets.size());
    reporter.publish_failure(Stage::Connect, bound.error().code, order.empty() ? 0 : order.front());
    return std::nullopt;
}

/// Gives up what a relay does not need, if anything is left. Publishes a failure.
/// @returns false if that failed
bool prepare_to_relay(const Setting& setting, Reporter& reporter) {
    if (!has_rights_left(setting)) return true;
    const auto lowered = give_up_rights(setting);
    if (!lowered) reporter.publish_failure(Stage::User, lowered.error().code);
    return lowered.ok();
}

int relay_to_target(Chosen chosen, const core::Connect& connect, const Setting& setting,
                    Reporter& reporter) {
    if (!prepare_to_relay(setting, reporter)) return kExitTemporary;
    auto server = reach_target(chosen, connect, setting, reporter);
    if (!server) return kExitTemporary;
    set_options(server->get(), chosen.service);
    if (connect.proxy != core::ProxyHeader::None &&
        !introduce(chosen, connect, server->get(), reporter)) {
        return kExitTemporary;
    }
    const Totals totals =
        relay(client_side(std::move(chosen.client)), Side::socket(std::move(*server)),
              limits_of(chosen), reporter, chosen.ahead);
    reporter.publish_counts(totals.in, totals.out);
    return 0;
}

/// Returns the writing end of a pipe that the zygote reads; none, and publishes why, if it cannot.
UniqueFd pipe_to_zygote(bool has_room, Reporter& reporter) {
    std::array<int, 2> ends{-1, -1};
    if (!has_room || ::pipe2(ends.data(), O_CLOEXEC) < 0) {
        reporter.publish_failure(Stage::Stderr, has_room ? errno : EMFILE);
        return UniqueFd();
    }
    const UniqueFd reading_end(ends[0]);
    UniqueFd writing_end(ends[1]);
    const auto sent = reporter.publish_stderr(reading_end.get());
    if (sent) return writing_end;
    reporter.publish_failure(Stage::Stderr, sent.error().code);
    return UniqueFd();
}

/// Returns the program's descriptor 2; /dev/null if there is no other.
/// @param own  owns the descriptor if one was opened
int error_output(core::StderrTo to, int client, const Setting& setting, Reporter& reporter,
                 UniqueFd& own) {
    if (to == core::StderrTo::Client) return client;
    if (to == core::StderrTo::Log) {
        if (setting.errors_to == Setting::ErrorsTo::Log && setting.log >= 0) return setting.log;
        if (setting.errors_to == Setting::ErrorsTo::Zygote) {
            own = pipe_to_zygote(setting.zygote_has_room, reporter);
        }
    }
    if (!own) own.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
    return own ? own.get() : STDERR_FILENO;  // that is /dev/null, too
}

/// Closes what was kept for programs, where this process relays.
void close_log(const Setting& setting) {
    if (setting.log >= 0) ::close(setting.log);
}

int become_program(const Chosen& chosen, const core::Exec& exec, const Setting& setting,
                   const std::vector<std::string>& environment, Reporter& reporter) {
    if (chosen.client.output) {
        reporter.publish_failure(Stage::Refused, 0);
        return kExitNotExecutable;
    }
    const int fd = chosen.client.fd.get();
    UniqueFd own;
    const int err = error_output(exec.stderr_to, fd, setting, reporter, own);
    // The order matters: from the message on the zygote may send SIGHUP (outlived.h), which must not be
    // ignored then.
    sys::restore_signals({SIGHUP});
    reporter.publish(exec.grace.count() > 0 ? fd : -1);
    const LaunchError error =
        launch(exec, {fd, fd, err}, user_of(exec, setting.serving), environment);
    reporter.publish_failure(error.stage, error.code);
    return exit_code(error);
}

int relay_to_program(Chosen chosen, const core::Exec& exec, const Setting& setting,
                     const std::vector<std::string>& environment, Reporter& reporter) {
    UniqueFd own;
    const int err = error_output(exec.stderr_to, -1, setting, reporter, own);
    auto program = spawn(exec, err, user_of(exec, setting.serving), environment);
    own.reset();
    close_log(setting);
    if (!program) {
        reporter.publish_failure(program.error().stage, program.error().code);
        return exit_code(program.error());
    }
    if (!prepare_to_relay(setting, reporter)) {
        program->end();
        return kExitTemporary;
    }
    Side side = exec.stdio == core::Stdio::Pty
                    ? Side::terminal(std::move(program->output), std::move(program->input))
                    : Side::pipes(std::move(program->output), std::move(program->input));
    const Totals totals = relay(client_side(std::move(chosen.client)), std::move(side),
                                limits_of(chosen), reporter, chosen.ahead);
    reporter.set_status(totals.cut ? program->end() : program->wait());
    reporter.publish_counts(totals.in, totals.out);
    return 0;
}

int act(Chosen chosen, const Setting& setting, Reporter& reporter) {
    set_options(chosen.client.fd.get(), chosen.service);
    if (const auto* connect = std::get_if<core::Connect>(&chosen.service.action)) {
        close_log(setting);
        return relay_to_target(std::move(chosen), *connect, setting, reporter);
    }
    const auto& exec = std::get<core::Exec>(chosen.service.action);
    const auto environment = program_environment(
        setting.environment, exec, chosen.origin, std::string(chosen.service.name), chosen.reason,
        chosen.fields, setting.plan.listener_name({chosen.client.arrival.listener}));
    if (exec.stdio == core::Stdio::Socket) {
        return become_program(chosen, exec, setting, environment, reporter);
    }
    reporter.about_to_block();
    return relay_to_program(std::move(chosen), exec, setting, environment, reporter);
}

int fail_to_look(const sys::SysError& error, Setting::Eyes eyes, Reporter& reporter) {
    const bool is_of_sniffer =
        eyes != Setting::Eyes::Own && (error.code == EPROTO || error.code == ECHILD);
    reporter.publish_failure(is_of_sniffer ? Stage::Sniffer : Stage::Look, error.code);
    return kExitTemporary;
}

/// Looks at the bytes of one client, or has them looked at.
class Eyes {
  public:
    static sys::Result<Eyes> open(const Client& client, const Setting& setting,
                                  Reporter& reporter) {
        Eyes eyes(client, setting, reporter);
        if (setting.eyes == Setting::Eyes::Own) return eyes;
        reporter.about_to_block();
        const int fd = client.fd.get();
        auto sniffer = setting.eyes == Setting::Eyes::Fork ? Sniffer::fork(setting.plan, fd)
                                                           : Sniffer::take(setting.sniffers, fd);
        // This process keeps no way to other sniffers: their parent ends with the last one.
        if (setting.sniffers >= 0) ::close(setting.sniffers);
        if (!sniffer) return sniffer.error();
        eyes.sniffer_ = *std::move(sniffer);
        return eyes;
    }

    sys::Result<HeaderRead> read_header(Clock::time_point deadline) {
        if (sniffer_) return sniffer_->read_header(deadline, reporter_);
        return dispatch::read_header(client_.fd.get(), deadline, reporter_);
    }

    sys::Result<Looked> look(const core::Entrance& entrance, Clock::time_point deadline) {
        const core::Plan& plan = setting_.plan;
        const bool is_socket = !client_.output;
        if (sniffer_) {
            return is_socket ? sniffer_->sniff(plan, entrance, deadline, reporter_)
                             : sniffer_->read_ahead(plan, entrance, deadline, reporter_);
        }
        Looked looked;
        const int fd = client_.fd.get();
        auto decided = is_socket
                           ? sniff(fd, plan, entrance, deadline, reporter_)
                           : read_ahead(fd, plan, entrance, deadline, looked.ahead, reporter_);
        if (!decided) return decided.error();
        looked.decided = *std::move(decided);
        return looked;
    }

    /// Ends the sniffer.
    void close() { sniffer_.reset(); }

  private:
    Eyes(const Client& client, const Setting& setting, Reporter& reporter)
        : client_(client), setting_(setting), reporter_(reporter) {}

    const Client& client_;
    const Setting& setting_;
    Reporter& reporter_;
    std::optional<Sniffer> sniffer_{};
};

/// Ends a connection that had to begin with a PROXY header. One that ended before its first byte is no mistake:
/// so balancers see whether a port is open.
int close_without_header(core::ProxyFault fault, Reporter& reporter) {
    const bool is_fault = fault != core::ProxyFault::None;
    reporter.set_verdict({std::nullopt, is_fault ? core::Reason::Proxy : core::Reason::Eof});
    if (is_fault) {
        reporter.publish_failure(Stage::Header, static_cast<int>(fault));
    } else {
        reporter.publish();
    }
    return 0;
}

Clock::time_point deadline_of(std::chrono::milliseconds timeout, const sys::Arrival& arrival) {
    const bool is_in_hurry = arrival.hurry.count() > 0;
    if (timeout.count() == 0 && !is_in_hurry) return Clock::time_point::max();
    return arrival.accepted + (is_in_hurry ? arrival.hurry : timeout);
}

/// Closes a connection that has no service.
int close_without_service(int client, core::Reason reason, Reporter& reporter) {
    const bool is_refused = reason == core::Reason::Denied || reason == core::Reason::Limit;
    if (is_refused) sys::reset_on_close(client);
    reporter.publish();
    return 0;
}

/// Closes a connection that the daemon has refused.
int refuse(int client, Reporter& reporter) {
    reporter.set_refused();
    return close_without_service(client, core::Reason::Limit, reporter);
}

}  // namespace

int serve(Client client, const Setting& setting, Reporter& reporter) {
    const core::Plan& plan = setting.plan;
    core::Entrance entrance{client.arrival.listener,
                            sys::source_of(client.arrival.ends.peer, plan.needs_zone())};
    const auto deadline = deadline_of(plan.timeout(entrance), client.arrival);

    Origin origin = origin_of(client.arrival);
    const bool has_header = plan.admits(entrance) && plan.expects_header(entrance);
    TransparentSockets transparent;
    if (plan.has_transparent()) {
        transparent =
            TransparentSockets::make(client.arrival.ends.peer, has_header, setting.has_programs);
    }
    auto eyes = Eyes::open(client, setting, reporter);
    if (!eyes) return fail_to_look(eyes.error(), setting.eyes, reporter);
    if (has_header) {
        const auto header = eyes->read_header(deadline);
        if (!header) return fail_to_look(header.error(), setting.eyes, reporter);
        if (!header->ends) return close_without_header(header->fault, reporter);
        origin = origin_of(*header->ends, client.arrival);
        entrance.balancer = entrance.source;
        if (origin.is_told()) {
            entrance.source = sys::source_of(origin.ends.peer, false);
            reporter.set_ends(origin.ends);
            if (!reporter.may_go_on()) return refuse(client.fd.get(), reporter);
        }
    }

    auto looked = eyes->look(entrance, deadline);
    if (!looked) return fail_to_look(looked.error(), setting.eyes, reporter);
    eyes->close();
    const core::Verdict& verdict = looked->decided.verdict;
    core::Passed& passed = looked->decided.passed;
    reporter.set_verdict(verdict);
    reporter.set_fields(std::move(passed.log));
    if (!verdict.service) return close_without_service(client.fd.get(), verdict.reason, reporter);
    if (core::has_budget(plan.service(*verdict.service)) && !reporter.may_go_on()) {
        return refuse(client.fd.get(), reporter);
    }
    return act({std::move(client), origin, std::move(transparent), plan.service(*verdict.service),
                *verdict.service, verdict.reason, std::move(passed.variables),
                std::move(passed.tlvs), std::move(looked->ahead)},
               setting, reporter);
}

}  // namespace portsplit::dispatch
