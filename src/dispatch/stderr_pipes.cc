// How it works
//
// A reading end comes from a dispatcher, which may be compromised and may keep a copy of it. So:
// - Only the reading end of a pipe is taken. The kernel says what it is (F_GETPIPE_SZ, F_GETFL); no call of a file
//   system is needed for that.
// - read(2) could wait: O_NONBLOCK belongs to the open file, and the dispatcher could take it away. splice(2) has a
//   flag of its own, SPLICE_F_NONBLOCK. It moves the bytes to a pipe of this process, where they are read.
// - epoll(7) watches the open file, also after its last descriptor here is closed. So each is removed explicitly.
//
// Pipes are watched by level: what is not read now is reported again. So a step reads little, and a program that
// writes without end costs other connections nothing but processor time.

#include "dispatch/stderr_pipes.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string>

#include "dispatch/progress.h"
#include "sys/process.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;
using sys::Level;
using sys::UniqueFd;

/// How many pipes are read in a step, and how many bytes of each.
constexpr std::size_t kPipesAtOnce = 8;
constexpr std::size_t kPortion = 16384;

/// How many descriptors there are to be beyond one for each connection.
constexpr std::size_t kMoreDescriptors = 4096;
constexpr std::size_t kUnlimitedConnections = 65536;

/// How many bytes of a pipe are read where its program has ended: as many as a pipe holds (pipe(7)).
constexpr std::size_t kMostRest = 65536;

/// Returns true for the reading end of a pipe. False for a descriptor that is only a path (O_PATH), for which
/// F_GETPIPE_SZ fails.
bool is_reading_end(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) == O_RDONLY && ::fcntl(fd, F_GETPIPE_SZ) > 0;
}

}  // namespace

StderrPipes::StderrPipes(sys::Log& log) : log_(&log), pipes_(std::make_unique<Pipes>()) {}

sys::Result<StderrPipes> StderrPipes::create(const core::Config& config, sys::Log& log) {
    StderrPipes pipes(log);
    if (!std::ranges::any_of(config.services, logs_stderr)) return pipes;
    if (auto opened = pipes.open(); !opened) return opened.error();
    pipes.raise_limit(config.maxconn);
    return pipes;
}

/// Lets this process have a pipe for each connection, as far as it may, and descriptors for other work.
void StderrPipes::raise_limit(std::size_t connections) {
    const std::size_t before = sys::descriptor_limit();
    const std::size_t wanted =
        (connections > 0 ? connections : kUnlimitedConnections) + kMoreDescriptors;
    if (before < wanted) {
        sys::set_descriptor_limit(wanted);
        limit_before_ = before;
    }
    // A quarter is for what dispatchers send, and for the pipes of the daemon's answers.
    most_ = sys::descriptor_limit() / 4 * 3;
}

sys::Result<sys::Done> StderrPipes::open() {
    std::array<int, 2> ends{-1, -1};
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_ || ::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) < 0) {
        return sys::SysError{errno, "cannot read the standard error of programs"};
    }
    own_ = {UniqueFd(ends[0]), UniqueFd(ends[1])};
    return sys::Done{};
}

void StderrPipes::watch(pid_t process, std::string_view service, UniqueFd pipe) {
    if (!pipe || !has_room()) {
        log_->limited(
            Level::Warning, "unread standard error",
            "cannot read the standard error of service " + std::string(service) +
                ", too many descriptors are open: a program that writes there gets SIGPIPE",
            process, 1);
        return;
    }
    if (!is_reading_end(pipe.get())) return;
    const std::uint64_t number = ++last_number_;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = number;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, pipe.get(), &event) < 0) return;
    pipes_->table.emplace(number,
                          Pipe{std::move(pipe), process, service, StderrLines(&pipes_->pool)});
    pipes_->numbers.insert_or_assign(process, number);
}

/// Returns what a pipe has, at most `kPortion` bytes; empty if it has nothing now; nothing after its end. Never waits.
std::optional<std::string_view> StderrPipes::read_now(int pipe) {
    const ssize_t moved = sys::retry([&] {
        return ::splice(pipe, nullptr, own_[1].get(), nullptr, kPortion, SPLICE_F_NONBLOCK);
    });
    if (moved < 0 && errno == EAGAIN) return "";
    if (moved <= 0) return std::nullopt;
    auto& buffer = pipes_->buffer;
    buffer.resize(kPortion);
    std::size_t size = 0;
    while (size < static_cast<std::size_t>(moved)) {
        const ssize_t got = sys::retry(
            [&] { return ::read(own_[0].get(), buffer.data() + size, buffer.size() - size); });
        if (got <= 0) break;
        size += static_cast<std::size_t>(got);
    }
    // A page of a file that cannot be read would stay there, in front of what others write.
    if (size < static_cast<std::size_t>(moved) && !open()) return std::nullopt;
    return std::string_view(buffer.data(), size);
}

StderrLines::Write StderrPipes::writer_of(const Pipe& pipe) {
    return [this, &pipe](std::string_view line) {
        std::string text = "stderr of service ";
        text.append(pipe.service).append(": ").append(line);
        log_->line(Level::Notice, text, pipe.process);
    };
}

/// @returns false after the end of the pipe
bool StderrPipes::read_some(Pipe& pipe) {
    const auto bytes = read_now(pipe.fd.get());
    if (!bytes) return false;
    pipe.lines.take(*bytes, Clock::now(), writer_of(pipe));
    due_ = std::min(due_, pipe.lines.due());
    return true;
}

/// Reads what a pipe has now.
/// @returns false after the end of the pipe
bool StderrPipes::read_rest(Pipe& pipe) {
    for (std::size_t read = 0; read <= kMostRest;) {
        const auto bytes = read_now(pipe.fd.get());
        if (!bytes) return false;
        if (bytes->empty()) break;
        pipe.lines.take(*bytes, Clock::now(), writer_of(pipe));
        read += bytes->size();
    }
    due_ = std::min(due_, pipe.lines.due());
    return true;
}

void StderrPipes::report(Pipe& pipe) {
    const std::uint64_t count = pipe.lines.take_left_out();
    if (count == 0) return;
    log_->line(Level::Warning,
               std::to_string(count) + " lines of stderr of service " + std::string(pipe.service) +
                   " were left out",
               pipe.process);
}

void StderrPipes::on_end(pid_t process) {
    const auto found = pipes_->numbers.find(process);
    if (found == pipes_->numbers.end()) return;
    const std::uint64_t number = found->second;
    pipes_->numbers.erase(found);
    if (!read_rest(pipes_->table.at(number))) remove(number);
}

void StderrPipes::remove(std::uint64_t number) {
    const auto found = pipes_->table.find(number);
    Pipe& pipe = found->second;
    pipe.lines.end(Clock::now(), writer_of(pipe));
    report(pipe);
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, pipe.fd.get(), nullptr);
    const auto numbered = pipes_->numbers.find(pipe.process);
    if (numbered != pipes_->numbers.end() && numbered->second == number) {
        pipes_->numbers.erase(numbered);
    }
    pipes_->table.erase(found);
}

Clock::time_point StderrPipes::due() const { return due_; }

void StderrPipes::step(bool readable) {
    const auto now = Clock::now();
    if (now >= due_) {
        due_ = Clock::time_point::max();
        for (auto& [number, pipe] : pipes_->table) {
            if (now >= pipe.lines.due()) report(pipe);
            due_ = std::min(due_, pipe.lines.due());
        }
    }
    if (!readable) return;
    std::array<epoll_event, kPipesAtOnce> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), kPipesAtOnce, 0);
    for (int i = 0; i < count; ++i) {
        const std::uint64_t number = events[static_cast<std::size_t>(i)].data.u64;
        if (!read_some(pipes_->table.at(number))) remove(number);
    }
}

void StderrPipes::finish() {
    while (!pipes_->table.empty()) {
        auto& [number, pipe] = *pipes_->table.begin();
        (void)read_rest(pipe);
        remove(number);
    }
}

}  // namespace portsplit::dispatch
