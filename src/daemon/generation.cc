#include "daemon/generation.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "exit_codes.h"
#include "sys/capability.h"
#include "sys/channel.h"
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

/// In the child: changes the user, sets the descriptors of handoff.h and becomes the zygote.
/// The order matters: the log is passed on open and the program is executed by descriptor, because
/// the new user may not be allowed to open either.
[[noreturn]] void become_zygote(const Launchpad& launchpad, int channel, int log_channel,
                                int packed, const std::string& listeners,
                                const std::optional<sys::User>& user, sys::Log& log) {
    const auto fail = [&log](const SysError& error) {
        log.line(Level::Error, sys::to_string(error));
        ::_exit(kExitSystem);
    };
    const auto out_of_the_way = [](int fd) {
        return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, kOutOfTheWay));
    };
    // A session of its own: the signals of a terminal go to the daemon alone (setsid(2)).
    ::setsid();
    if (user) {
        if (const auto became = sys::become(*user); !became) fail(became.error());
    }
    // What started the daemon with capabilities, meant them for the daemon.
    sys::limit_inherited();
    const UniqueFd program = out_of_the_way(launchpad.program.get());
    const UniqueFd zygote_channel = out_of_the_way(channel);
    const UniqueFd zygote_packed = out_of_the_way(packed);
    const UniqueFd zygote_log_channel = out_of_the_way(log_channel);
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const bool syslog = launchpad.log == sys::kSyslog;
    if (!syslog && ::dup2(log.descriptor(), STDERR_FILENO) < 0) {
        fail({errno, "cannot pass the log on to portsplit-dispatch"});
    }
    if (!program || ::dup2(null.get(), STDIN_FILENO) < 0 || ::dup2(null.get(), STDOUT_FILENO) < 0 ||
        ::dup2(zygote_channel.get(), handoff::kChannelFd) < 0 ||
        ::dup2(zygote_packed.get(), handoff::kConfigurationFd) < 0 ||
        ::dup2(zygote_log_channel.get(), handoff::kLogChannelFd) < 0) {
        fail({errno, "cannot set the descriptors of portsplit-dispatch"});
    }
    std::vector<std::string> environment = sys::own_environment();
    environment.push_back(std::string(handoff::kListenersVariable) + "=" + listeners);
    // Also descriptors that this process inherited without close-on-exec.
    sys::close_on_exec_from(handoff::kLogChannelFd + 1);
    fail(sys::execute(
        program.get(),
        {"portsplit-dispatch", handoff::kZygoteOption, std::to_string(handoff::kVersion),
         syslog ? sys::kSyslog : sys::kStderr, launchpad.file},
        environment));
    ::_exit(kExitSystem);
}

}  // namespace

Result<Generation> Generation::start(const Launchpad& launchpad, int packed,
                                     const std::string& listeners,
                                     const std::optional<sys::User>& user, sys::Log& log) {
    auto channel = sys::channel_pair();
    if (!channel) return channel.error();
    auto log_channel = sys::channel_pair();
    if (!log_channel) return log_channel.error();
    const pid_t pid = ::fork();
    if (pid < 0) return SysError{errno, "cannot fork for portsplit-dispatch"};
    if (pid == 0) {
        become_zygote(launchpad, channel->second.get(), log_channel->second.get(), packed,
                      listeners, user, log);
    }
    return Generation(pid, std::move(channel->first), std::move(channel->second),
                      std::move(log_channel->first));
}

void Generation::receive() {
    std::array<std::byte, sizeof(handoff::Handover)> buffer;
    while (true) {
        const auto received = sys::receive_message(channel_.get(), buffer);
        if (!received || received->size == 0) return;
        handoff::Kind kind{};
        if (received->size < sizeof kind) continue;
        std::memcpy(&kind, buffer.data(), sizeof kind);
        if (kind == handoff::Kind::Ready) ready_ = true;
        if (kind == handoff::Kind::Here) stall_.on_answer(sys::Clock::now());
        if (kind == handoff::Kind::Kill && received->size == sizeof(handoff::Kill)) {
            handoff::Kill order;
            std::memcpy(&order, buffer.data(), sizeof order);
            // A zygote may have nobody killed but its own children.
            if (sys::is_child_of(order.child, pid_)) ::kill(order.child, SIGKILL);
        }
        if (kind != handoff::Kind::Reaped) continue;
        if (connections_ > 0) --connections_;
        handoff::Reaped reaped;
        if (received->size != sizeof reaped) continue;
        std::memcpy(&reaped, buffer.data(), sizeof reaped);
        clients_.erase(reaped.id);
    }
}

Result<sys::Done> Generation::hand_over(const Delivery& delivery, Wait wait) {
    const auto message = std::as_bytes(std::span(&delivery.message, 1));
    auto sent = sys::send_message(channel_.get(), message, delivery.client.get(),
                                  wait == Wait::Never ? MSG_DONTWAIT : 0);
    if (!sent) return sent;
    stall_.on_handed_over(sys::Clock::now());
    ++connections_;
    const sys::Address& peer = delivery.message.arrival.ends.peer;
    if (peer.is_internet()) clients_.insert_or_assign(delivery.message.id, peer.ip());
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
        clients_.erase(delivery.message.id);
        delivery.client = std::move(received->fd);
        untaken.push_back(std::move(delivery));
    }
}

void Generation::retire() { ::shutdown(channel_.get(), SHUT_WR); }

void Generation::change_log(int log) {
    const handoff::NewLog message;
    (void)sys::send_message(log_channel_.get(), std::as_bytes(std::span(&message, 1)), log,
                            MSG_DONTWAIT);
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
        case Stall::Step::Ask: {
            const handoff::Ask message;
            (void)sys::send_message(log_channel_.get(), std::as_bytes(std::span(&message, 1)), -1,
                                    MSG_DONTWAIT);
            break;
        }
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

void Generation::count_sources(std::map<std::string, std::size_t>& sources) const {
    for (const auto& [id, client] : clients_) ++sources[client.source()];
}

}  // namespace portsplit::daemon
