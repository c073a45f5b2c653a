#include "dispatch/sniffer.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <utility>

#include "dispatch/read_ahead.h"
#include "dispatch/sandbox.h"
#include "dispatch/sniff.h"
#include "sys/channel.h"
#include "sys/process.h"
#include "sys/run_as.h"
#include "sys/signals.h"
#include "sys/socket.h"
#include "sys/user_files.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using sys::SysError;
using sys::UniqueFd;

/// After its deadline, or the question if that comes later, a sniffer has this time for its answer.
constexpr std::chrono::seconds kGrace{1};

/// Publishes nothing: a sniffer has no channel to the zygote.
class SilentReporter final : public Reporter {
  public:
    explicit SilentReporter(int pair) : pair_(pair) {}
    int abandoned() const override { return pair_; }

  protected:
    sys::Result<sys::Done> send(const Progress& /*progress*/, int /*fd*/) override {
        return sys::Done{};
    }

  private:
    int pair_;
};

SysError unanswered(int code) { return {code, "the process that looks at a client has failed"}; }

/// Returns the error of a call on the pair: ECHILD if the other end is closed. Any other is of this process, and no
/// fault of the sniffer.
SysError failed_on_pair(const SysError& error) {
    return error.code == EPIPE || error.code == ECONNRESET ? unanswered(ECHILD) : error;
}

/// Sends an end of a pair of sockets to where the sniffers wait, and the client over the pair.
sys::Result<UniqueFd> hand_to(int sniffers, int client) {
    auto pair = sys::channel_pair();
    if (!pair) return pair.error();
    const std::byte byte{1};
    const core::Bytes message(&byte, 1);
    auto sent = sys::send_message(sniffers, message, pair->second.get(), 0);
    if (!sent) return failed_on_pair(sent.error());  // EPIPE: their parent is gone
    pair->second.reset();
    sent = sys::send_message(pair->first.get(), message, client, 0);
    if (!sent) return sent.error();
    return std::move(pair->first);
}

bool has_regex(const core::Service& service) {
    return std::ranges::any_of(service.patterns, [](const core::PatternSource& pattern) {
        return pattern.kind == core::PatternKind::Regex;
    });
}

std::string answer_to(const SnifferRequest& request, int pair, int client, const core::Plan& plan) {
    SilentReporter reporter(pair);
    if (request.kind == SnifferRequest::Kind::Header) {
        return pack(read_header(client, request.deadline, reporter));
    }
    Looked looked;
    const bool is_socket = request.kind == SnifferRequest::Kind::Sniff;
    auto decided = is_socket ? sniff(client, plan, request.entrance, request.deadline, reporter)
                             : read_ahead(client, plan, request.entrance, request.deadline,
                                          looked.ahead, reporter);
    if (!decided) return pack(sys::Result<Looked>(decided.error()));
    looked.decided = *std::move(decided);
    return pack(sys::Result<Looked>(std::move(looked)));
}

}  // namespace

bool needs_sniffers(const core::Plan& plan, bool is_root) {
    const core::Config& config = plan.config();
    if (first_program(config) == nullptr) return false;
    if (is_root) return true;
    if (config.sandbox == core::Sandbox::Off) return false;
    return std::ranges::any_of(config.services, has_regex) || !config.layouts.empty() ||
           core::takes_headers(config);
}

sys::Result<Sniffer> Sniffer::take(int sniffers, int client) {
    auto pair = hand_to(sniffers, client);
    if (!pair) return pair.error();
    return Sniffer(*std::move(pair));
}

std::optional<sys::User> sniffing_user(const core::Config& config) {
    if (::geteuid() != 0) return std::nullopt;
    sys::User user = sys::user_of_numbers(config.user, config.group);
    const auto find = [](const std::string& name, const std::string& group) {
        return sys::find_user_in_files(name, group);
    };
    return user.uid == 0 ? sys::user_without_rights(find) : std::move(user);
}

sys::Result<Sniffer> Sniffer::fork(const core::Plan& plan, int client) {
    auto pair = sys::channel_pair();
    if (!pair) return pair.error();
    const pid_t pid = ::fork();
    if (pid < 0) return SysError{errno, "cannot fork to look at a client"};
    if (pid == 0) {
        // Not a child of the program that the caller may become.
        if (::fork() != 0) ::_exit(0);
        pair->first.reset();
        sys::close_all_but({pair->second.get(), client});
        leave_standard_error();
        Work work;
        work.sniffs = true;
        const core::Config& config = plan.config();
        if (confine_as(sniffing_user(config), config, work).is_refused) ::_exit(1);
        serve_as_sniffer(std::move(pair->second), plan, client);
        ::_exit(0);
    }
    (void)sys::wait_for_child(pid);
    return Sniffer(std::move(pair->first));
}

sys::Result<std::vector<std::byte>> Sniffer::ask(const SnifferRequest& request,
                                                 Reporter& reporter) {
    const auto bytes = std::as_bytes(std::span(&request, 1));
    const auto sent = sys::send_message(pair_.get(), bytes, -1, 0);
    if (!sent) return failed_on_pair(sent.error());
    reporter.about_to_block();
    const bool is_endless = request.deadline == Clock::time_point::max();
    // A deadline may be over before anything is asked: it counts from accept, and the client may have waited for a
    // zygote.
    const auto until =
        is_endless ? request.deadline : std::max(request.deadline, Clock::now()) + kGrace;
    pollfd entry{.fd = pair_.get(), .events = POLLIN, .revents = 0};
    const int ready = sys::retry([&] { return ::poll(&entry, 1, sys::poll_timeout(until)); });
    if (ready < 0) return SysError{errno, "cannot wait for what looks at a client"};
    if (ready == 0) return unanswered(ECHILD);
    std::vector<std::byte> answer(kLongestAnswer);
    auto received = sys::receive_message(pair_.get(), answer);
    if (!received) return failed_on_pair(received.error());
    if (received->size == 0 || received->cut) return unanswered(ECHILD);
    answer.resize(received->size);
    return answer;
}

sys::Result<HeaderRead> Sniffer::read_header(Clock::time_point deadline, Reporter& reporter) {
    const auto answer = ask({SnifferRequest::Kind::Header, deadline, {}}, reporter);
    if (!answer) return answer.error();
    auto header = unpack_header(*answer);
    if (!header) return unanswered(EPROTO);
    return *std::move(header);
}

sys::Result<Looked> Sniffer::look(SnifferRequest::Kind kind, const core::Plan& plan,
                                  const core::Entrance& entrance, Clock::time_point deadline,
                                  Reporter& reporter) {
    const auto answer = ask({kind, deadline, entrance}, reporter);
    if (!answer) return answer.error();
    auto looked = unpack_looked(*answer, plan, entrance);
    if (!looked) return unanswered(EPROTO);
    return *std::move(looked);
}

sys::Result<Looked> Sniffer::sniff(const core::Plan& plan, const core::Entrance& entrance,
                                   Clock::time_point deadline, Reporter& reporter) {
    return look(SnifferRequest::Kind::Sniff, plan, entrance, deadline, reporter);
}

sys::Result<Looked> Sniffer::read_ahead(const core::Plan& plan, const core::Entrance& entrance,
                                        Clock::time_point deadline, Reporter& reporter) {
    return look(SnifferRequest::Kind::ReadAhead, plan, entrance, deadline, reporter);
}

void serve_as_sniffer(UniqueFd pair, const core::Plan& plan, int client) {
    while (true) {
        SnifferRequest request;
        auto received = sys::receive_message(
            pair.get(), std::as_writable_bytes(std::span(&request, 1)), sys::Wait::ForMessage);
        if (!received || received->size != sizeof request) return;
        const std::string answer = answer_to(request, pair.get(), client, plan);
        if (!sys::send_message(pair.get(), core::as_bytes(answer), -1, 0)) return;
    }
}

}  // namespace portsplit::dispatch
