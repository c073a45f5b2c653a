#include "dispatch/sniffers.h"

// How it works. The parent forks a spare whenever one has taken its pair, which the spare says by a message on a
// channel that the kernel stamps with its pid. So a compromised sniffer that sends more of them is counted once.
// When nobody holds the channel of the dispatchers any more, the spares see its end and exit, and so does their
// parent once no sniffer is left.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/sandbox.h"
#include "dispatch/sniffer.h"
#include "dispatch/spares.h"
#include "exit_codes.h"
#include "sys/channel.h"
#include "sys/clock.h"
#include "sys/poll_set.h"
#include "sys/process.h"
#include "sys/signals.h"

namespace portsplit::dispatch {
namespace {

using sys::UniqueFd;

constexpr const char* kName = "portsplit-sniff";

/// After fork(2) failed, or a spare ended without a client.
constexpr std::chrono::milliseconds kPause{100};
/// How many descriptors a sniffer may have: its client, the pair, and none to spare.
constexpr unsigned kMostDescriptors = 16;
/// How many messages of sniffers are read at once.
constexpr int kBatch = 100;

class Parent {
  public:
    Parent(const core::Plan& plan, UniqueFd dispatchers, UniqueFd taken_in, UniqueFd taken_out,
           UniqueFd signals)
        : plan_(plan),
          dispatchers_(std::move(dispatchers)),
          taken_in_(std::move(taken_in)),
          taken_out_(std::move(taken_out)),
          signals_(std::move(signals)) {}

    void run() {
        while (true) {
            fork_spares();
            if (is_over_ && children_ == 0) return;
            std::array<pollfd, 3> entries{{
                {.fd = taken_in_.get(), .events = POLLIN, .revents = 0},
                {.fd = signals_.get(), .events = POLLIN, .revents = 0},
                {.fd = is_over_ ? -1 : dispatchers_.get(), .events = 0, .revents = 0},
            }};
            const bool lacks_spares = !is_over_ && waiting_.size() < kSpares;
            const int limit = lacks_spares ? static_cast<int>(kPause.count()) : -1;
            const int ready =
                sys::retry([&] { return ::poll(entries.data(), entries.size(), limit); });
            if (ready < 0) sys::pause_after_failed_poll();
            if ((entries[2].revents & POLLHUP) != 0) is_over_ = true;
            read_taken();
            while (sys::next_signal(signals_.get())) continue;
            reap();
        }
    }

  private:
    void fork_spares() {
        if (sys::Clock::now() < fork_at_) return;
        // Spares inherit the name.
        sys::set_name("portsplit-spare");
        while (!is_over_ && waiting_.size() < kSpares) {
            const pid_t pid = ::_Fork();
            if (pid == 0) be_spare();
            if (pid < 0) break;
            ++children_;
            waiting_.push_back(pid);
        }
        sys::set_name(kName);
    }

    [[noreturn]] void be_spare() {
        ::setpgid(0, 0);
        taken_in_.reset();
        signals_.reset();
        // The filter, which is also the parent's, has fork(2).
        sys::limit_to(kMostDescriptors);
        sys::unblock_signals();
        std::byte byte{};
        const std::span<std::byte> buffer(&byte, 1);
        auto pair = sys::receive_message(dispatchers_.get(), buffer, sys::Wait::ForMessage);
        if (!pair || pair->size == 0) ::_exit(kExitUnused);
        (void)sys::send_message(taken_out_.get(), buffer, -1, MSG_DONTWAIT);
        taken_out_.reset();
        dispatchers_.reset();
        if (!pair->fd || pair->truncated) ::_exit(kExitUnused);
        sys::set_name("portsplit-look");
        auto client = sys::receive_message(pair->fd.get(), buffer, sys::Wait::ForMessage);
        if (!client || !client->fd || client->truncated) ::_exit(kExitUnused);
        serve_as_sniffer(std::move(pair->fd), plan_, client->fd.get());
        ::_exit(kExitUnused);
    }

    void read_taken() {
        std::byte byte{};
        for (int i = 0; i < kBatch; ++i) {
            auto received = sys::receive_message(taken_in_.get(), std::span(&byte, 1));
            if (!received || received->size == 0) return;
            std::erase(waiting_, received->sender);
        }
    }

    void reap() {
        while (const auto ended = sys::reap()) {
            --children_;
            // It was killed, or could not receive: without a pause, its place would be filled in a busy loop.
            if (std::erase(waiting_, ended->pid) > 0) fork_at_ = sys::Clock::now() + kPause;
        }
    }

    const core::Plan& plan_;
    UniqueFd dispatchers_;
    UniqueFd taken_in_;
    UniqueFd taken_out_;
    UniqueFd signals_;
    std::vector<pid_t> waiting_;  ///< spares that have not said that they have a pair
    std::size_t children_ = 0;
    sys::Clock::time_point fork_at_{};  ///< no spare is forked before this
    bool is_over_ = false;              ///< true once no dispatcher can come
};

/// What the zygote is told of the confinement; its report follows. A pipe takes both at once.
struct Ready {
    bool is_refused;
    sys::Level level;
};

/// In the child: confines it, reports that, and forks sniffers. It has no log: a line for syslog may need calls that
/// its filter does not have.
[[noreturn]] void be_parent(const core::Plan& plan, const std::optional<sys::User>& user,
                            UniqueFd dispatchers, UniqueFd ready) {
    ::setpgid(0, 0);
    sys::set_name(kName);
    auto signals = sys::signals_by_fd({SIGCHLD});
    auto taken = sys::channel_pair();
    if (!signals || !taken || !sys::stamp_senders(taken->first.get())) ::_exit(kExitSystem);
    sys::close_all_but(
        {dispatchers.get(), taken->first.get(), taken->second.get(), signals->get(), ready.get()});
    leave_standard_error();
    Work work;
    work.forks = true;
    work.sniffs = true;
    const Confinement confinement = confine_as(user, plan.config(), work);
    const Ready head{confinement.is_refused, confinement.level};
    const std::string report =
        std::string(reinterpret_cast<const char*>(&head), sizeof head) + confinement.report;
    (void)!::write(ready.get(), report.data(), report.size());
    if (confinement.is_refused) ::_exit(kExitSystem);
    ready.reset();
    Parent(plan, std::move(dispatchers), std::move(taken->first), std::move(taken->second),
           *std::move(signals))
        .run();
    ::_exit(kExitUnused);
}

}  // namespace

sys::Result<Sniffers> start_sniffers(const core::Plan& plan, const std::optional<sys::User>& user,
                                     sys::Log& log) {
    auto channel = sys::channel_pair();
    if (!channel) return channel.error();
    std::array<int, 2> ready{-1, -1};
    if (::pipe2(ready.data(), O_CLOEXEC) < 0) {
        return sys::SysError{errno, "cannot start what looks at clients"};
    }
    const UniqueFd ready_in(ready[0]);
    UniqueFd ready_out(ready[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return sys::SysError{errno, "cannot fork what looks at clients"};
    if (pid == 0) {
        channel->first.reset();
        be_parent(plan, user, std::move(channel->second), std::move(ready_out));
    }
    ready_out.reset();
    std::array<char, PIPE_BUF> report;
    const ssize_t size =
        sys::retry([&] { return ::read(ready_in.get(), report.data(), report.size()); });
    Ready head{};
    if (size >= std::ssize(report) || size < static_cast<ssize_t>(sizeof head)) {
        (void)sys::wait_for_child(pid);
        return sys::SysError{EPERM, "what looks at clients cannot start"};
    }
    std::memcpy(&head, report.data(), sizeof head);
    const std::string text(report.data() + sizeof head,
                           static_cast<std::size_t>(size) - sizeof head);
    if (!text.empty()) {
        log.line(head.level, text + ", of what looks at first bytes; service " +
                                 std::string(first_program(plan.config())->name) +
                                 " starts a program");
    }
    if (!head.is_refused) return Sniffers{pid, std::move(channel->first)};
    (void)sys::wait_for_child(pid);
    return sys::SysError{EPERM, "what looks at clients cannot start"};
}

}  // namespace portsplit::dispatch
