#include "daemon/generation.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "exit_codes.h"
#include "sys/become.h"
#include "sys/capability.h"
#include "sys/channel.h"
#include "sys/oom.h"
#include "sys/process.h"
#include "sys/program.h"
#include "sys/signals.h"

namespace portsplit::daemon {
namespace {

using sys::Level;
using sys::Result;
using sys::SysError;
using sys::UniqueFd;

/// Above the descriptors that handoff.h names, so that dup2(2) to those overwrites none in use.
constexpr int kOutOfTheWay = 10;

/// Returns the variables of this process that a zygote gets. Its dispatchers have them in their memory, and an
/// administrator may have given the daemon others that nobody else is to read.
std::vector<std::string> environment_for(const Facts& facts) {
    // The time of log lines; whether the log is the journal; how names are resolved.
    constexpr auto kNames = std::to_array<std::string_view>(
        {"TZ", "JOURNAL_STREAM", "LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES"});
    std::vector<std::string> environment;
    for (std::string& entry : sys::own_environment()) {
        const std::string_view name = std::string_view(entry).substr(0, entry.find('='));
        bool is_passed = std::ranges::find(kNames, name) != kNames.end() ||
                         std::ranges::find(facts.passenv, name) != facts.passenv.end();
#if defined(__SANITIZE_ADDRESS__)
        is_passed = is_passed || name.ends_with("SAN_OPTIONS");
#endif
        if (is_passed) environment.push_back(std::move(entry));
    }
    return environment;
}

/// In the child: changes the user, sets the descriptors of handoff.h and becomes the zygote.
/// The order matters: the log is passed on open and the program is executed by descriptor, because
/// the new user may not be allowed to open either.
/// noexcept: a child that cannot allocate ends here, and unwinds nothing of the daemon.
[[noreturn]] void become_zygote(const Launchpad& launchpad, int channel, int orders, int packed,
                                const std::string& listeners, const Facts& facts,
                                sys::Log& log) noexcept {
    const auto fail = [&log](const SysError& error) {
        log.line(Level::Error, sys::to_string(error));
        ::_exit(kExitSystem);
    };
    const auto out_of_the_way = [](int fd) {
        return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, kOutOfTheWay));
    };
    // A session of its own: the signals of a terminal go to the daemon alone (setsid(2)).
    ::setsid();
    if (launchpad.oom_score_adjust) sys::set_oom_score_adjust(*launchpad.oom_score_adjust);
    if (facts.user) {
        if (const auto became = sys::become(*facts.user); !became) fail(became.error());
    }
    // What started the daemon with capabilities, meant them for the daemon.
    sys::limit_inherited();
    const UniqueFd program = out_of_the_way(launchpad.program.get());
    const UniqueFd zygote_channel = out_of_the_way(channel);
    const UniqueFd zygote_packed = out_of_the_way(packed);
    const UniqueFd zygote_orders = out_of_the_way(orders);
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const bool syslog = launchpad.log == sys::kSyslog;
    if (!syslog && ::dup2(log.descriptor(), STDERR_FILENO) < 0) {
        fail({errno, "cannot pass the log on to portsplit-dispatch"});
    }
    if (!program || ::dup2(null.get(), STDIN_FILENO) < 0 || ::dup2(null.get(), STDOUT_FILENO) < 0 ||
        ::dup2(zygote_channel.get(), handoff::kChannelFd) < 0 ||
        ::dup2(zygote_packed.get(), handoff::kConfigurationFd) < 0 ||
        ::dup2(zygote_orders.get(), handoff::kOrdersFd) < 0) {
        fail({errno, "cannot set the descriptors of portsplit-dispatch"});
    }
    std::vector<std::string> environment = environment_for(facts);
    environment.push_back(std::string(handoff::kListenersVariable) + "=" + listeners);
    // Also descriptors that this process inherited without close-on-exec.
    sys::close_on_exec_from(handoff::kOrdersFd + 1);
    fail(sys::execute(
        program.get(),
        {"portsplit-dispatch", handoff::kZygoteOption, std::to_string(handoff::kVersion),
         syslog ? sys::kSyslog : sys::kStderr, launchpad.file},
        environment));
    ::_exit(kExitSystem);
}

/// Returns a message if the bytes are as many as it has.
template <typename Message>
std::optional<Message> as(core::Bytes bytes) {
    if (bytes.size() != sizeof(Message)) return std::nullopt;
    Message message;
    std::memcpy(&message, bytes.data(), sizeof message);
    return message;
}

}  // namespace

Result<Generation> Generation::start(const Launchpad& launchpad, int packed,
                                     const std::string& listeners, const Facts& facts,
                                     sys::Log& log) {
    auto channel = sys::channel_pair();
    if (!channel) return channel.error();
    auto orders = sys::channel_pair();
    if (!orders) return orders.error();
    const pid_t pid = ::fork();
    if (pid < 0) return SysError{errno, "cannot fork for portsplit-dispatch"};
    if (pid == 0) {
        become_zygote(launchpad, channel->second.get(), orders->second.get(), packed, listeners,
                      facts, log);
    }
    return Generation(pid, std::move(channel->first), std::move(channel->second),
                      std::move(orders->first), facts.services);
}

void Generation::receive(Accounts& accounts) {
    constexpr std::size_t kLongest =
        std::max({sizeof(handoff::Decided), sizeof(handoff::Question), sizeof(handoff::Reaped)});
    std::array<std::byte, kLongest> buffer;
    while (true) {
        const auto received = sys::receive_message(channel_.get(), buffer);
        if (!received || received->size == 0) return;
        on_message(std::span(buffer).first(received->size), accounts);
    }
}

void Generation::on_message(core::Bytes message, Accounts& accounts) {
    Ledger& ledger = accounts.ledger;
    handoff::Kind kind{};
    if (message.size() < sizeof kind) return;
    std::memcpy(&kind, message.data(), sizeof kind);
    if (kind == handoff::Kind::Ready) ready_ = true;
    if (kind == handoff::Kind::Here) stall_.on_answer(sys::Clock::now());
    if (kind == handoff::Kind::Kill) {
        if (const auto order = as<handoff::Kill>(message)) on_kill(*order);
    }
    if (kind == handoff::Kind::Question) {
        if (const auto question = as<handoff::Question>(message)) on_question(*question, accounts);
    }
    if (kind == handoff::Kind::Decided) {
        const auto decided = as<handoff::Decided>(message).value_or(handoff::Decided{});
        const std::size_t count = std::min<std::size_t>(decided.count, decided.ids.size());
        for (std::size_t i = 0; i < count; ++i) {
            if (ids_.contains(decided.ids[i])) ledger.decide(decided.ids[i]);
        }
    }
    if (kind != handoff::Kind::Reaped) return;
    if (connections_ > 0) --connections_;
    if (const auto reaped = as<handoff::Reaped>(message)) on_reaped(*reaped, ledger);
}

/// A zygote may have nobody killed but its own children.
void Generation::on_kill(const handoff::Kill& order) const {
    if (sys::is_child_of(order.child, pid_)) ::kill(order.child, SIGKILL);
}

void Generation::on_reaped(const handoff::Reaped& reaped, Ledger& ledger) {
    if (ids_.erase(reaped.id) == 0) return;
    if (reaped.cause == handoff::Reaped::Cause::Crash) ++crashes_;
    ledger.close(reaped.id, {reaped.cause, reaped.penalty}, sys::Clock::now());
}

void Generation::on_question(const handoff::Question& question, Accounts& accounts) {
    if (!ids_.contains(question.id)) return;
    const auto now = sys::Clock::now();
    const bool names_client = question.service == handoff::Question::kNone;
    const auto service = static_cast<std::size_t>(question.service);
    Ledger::Source client;
    if (question.client.is_internet()) client = question.client.ip();
    Refusal refusal = Refusal::None;
    if (names_client) {
        refusal = accounts.ledger.name(question.id, client, now);
    } else if (service < services_.size()) {
        refusal = accounts.ledger.choose(question.id, services_[service].name);
    }
    // The dispatcher writes a line for each connection, also for a refused one.
    if (refusal != Refusal::None) (void)accounts.refusals.add(refusal, client, now);
    order(handoff::Answer{.refusal = static_cast<std::uint32_t>(refusal), .id = question.id});
}

Result<sys::Done> Generation::hand_over(const Delivery& delivery, Wait wait) {
    const auto message = std::as_bytes(std::span(&delivery.message, 1));
    auto sent = sys::send_message(channel_.get(), message, delivery.client.get(),
                                  wait == Wait::Never ? MSG_DONTWAIT : 0);
    if (!sent) return sent;
    stall_.on_handed_over(sys::Clock::now());
    ++connections_;
    ids_.insert(delivery.message.id);
    return sent;
}

std::vector<Delivery> Generation::take_back() {
    std::vector<Delivery> untaken;
    while (true) {
        Delivery delivery;
        auto received = sys::receive_message(
            zygote_end_.get(), std::as_writable_bytes(std::span(&delivery.message, 1)));
        if (!received || received->size == 0) return untaken;
        if (connections_ > 0) --connections_;
        ids_.erase(delivery.message.id);
        delivery.client = std::move(received->fd);
        untaken.push_back(std::move(delivery));
    }
}

void Generation::retire() { ::shutdown(channel_.get(), SHUT_WR); }

template <typename Message>
void Generation::order(const Message& message, int fd) {
    (void)sys::send_message(orders_.get(), std::as_bytes(std::span(&message, 1)), fd, MSG_DONTWAIT);
}

void Generation::change_log(int log) { order(handoff::NewLog{}, log); }

void Generation::end(std::uint64_t id) {
    if (ids_.contains(id)) order(handoff::End{.id = id});
}

/// Returns how many of the connections that were handed over nobody has taken.
std::size_t Generation::waiting() const {
    int bytes = 0;  // of all messages (unix(7) SIOCINQ)
    if (::ioctl(zygote_end_.get(), FIONREAD, &bytes) < 0) return 0;
    return static_cast<std::size_t>(bytes) / sizeof(handoff::Handover);
}

void Generation::see_to_stall(sys::Log& log) {
    const auto now = sys::Clock::now();
    if (now < stall_.due()) return;
    switch (stall_.look(now, waiting())) {
        case Stall::Step::Ask:
            order(handoff::Ask{});
            break;
        case Stall::Step::Kill:
            log.line(Level::Error,
                     "portsplit-dispatch takes no connection and does not answer, as if it were "
                     "stopped; it is killed, and started again");
            ::kill(pid_, SIGKILL);
            break;
        case Stall::Step::None:
            break;
    }
}

}  // namespace portsplit::daemon
