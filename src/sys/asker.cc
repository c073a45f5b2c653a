#include "sys/asker.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <span>

#include "sys/address.h"
#include "sys/channel.h"
#include "sys/clock.h"
#include "sys/poll_set.h"

namespace portsplit::sys {
namespace {

Address name_of(pid_t asker) {
    using std::string_literals::operator""s;
    return Address::of_unix("\0"s + fmt::format("portsplit-asker-{}", asker));
}

UniqueFd datagram_socket() {
    return UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

}  // namespace

Result<Asker> Asker::open() {
    UniqueFd fd = datagram_socket();
    const Address name = name_of(::getpid());
    if (!fd || ::bind(fd.get(), name.data(), name.size()) < 0) {
        return SysError{errno, "cannot make a socket for the answer"};
    }
    if (auto stamped = stamp_senders(fd.get()); !stamped) return stamped.error();
    return Asker(std::move(fd));
}

Result<Done> Asker::ask(pid_t daemon, int signal) const {
    if (::kill(daemon, signal) == 0) return Done{};
    return SysError{errno, fmt::format("cannot send a signal to the process {}", daemon),
                    errno == EPERM ? "only root and the user that it runs as can" : ""};
}

std::optional<std::string> Asker::wait(pid_t daemon, std::chrono::milliseconds limit) const {
    const auto until = Clock::now() + limit;
    std::array<std::byte, kLongestAnswer> buffer{};
    while (true) {
        const auto received = receive_message(fd_.get(), buffer);
        if (received && received->sender == daemon) {
            return std::string(reinterpret_cast<const char*>(buffer.data()), received->size);
        }
        if (received) continue;
        if (Clock::now() >= until) return std::nullopt;
        PollSet set;
        (void)set.add(fd_.get(), POLLIN);
        set.wake_at(until);
        (void)set.wait();
    }
}

void answer(pid_t asker, std::string_view text) {
    const UniqueFd fd = datagram_socket();
    const Address name = name_of(asker);
    const std::string_view cut = text.substr(0, kLongestAnswer);
    if (fd) ::sendto(fd.get(), cut.data(), cut.size(), MSG_NOSIGNAL, name.data(), name.size());
}

}  // namespace portsplit::sys
