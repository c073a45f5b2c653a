#include "daemon/upgrade.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "daemon/kept_reading.h"
#include "exit_codes.h"
#include "sys/asker.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/program.h"
#include "sys/signals.h"

namespace portsplit::daemon {
namespace {

using sys::Clock;
using sys::SysError;
using sys::UniqueFd;

/// The most processes that wait for an outcome.
constexpr std::size_t kMostAskers = 16;
/// The most of an answer that is read: a line of the log has room for it.
constexpr std::size_t kLongestAnswer = 600;
/// Above the descriptors that the child gets.
constexpr int kOutOfTheWay = 10;

/// Returns what a pipe has now.
std::string read_now(int fd) {
    std::array<char, kLongestAnswer> buffer;
    const ssize_t got = sys::retry([&] { return ::read(fd, buffer.data(), buffer.size()); });
    return {buffer.data(), got < 0 ? 0 : static_cast<std::size_t>(got)};
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// Makes copies of descriptors the first ones of this process.
bool set_descriptors(const std::array<int, 5>& sources) {
    std::array<int, 5> copies{};
    for (std::size_t i = 0; i < sources.size(); ++i) {
        copies[i] = ::fcntl(sources[i], F_DUPFD_CLOEXEC, kOutOfTheWay);
    }
    for (std::size_t i = 0; i < copies.size(); ++i) {
        if (::dup2(copies[i], static_cast<int>(i)) < 0) return false;
    }
    sys::close_on_exec_from(static_cast<int>(sources.size()));
    return true;
}

/// The work of the child. What it prints is the answer.
[[noreturn]] void ask(const std::string& program, const Reading& reading, int answer, int state,
                      int text) {
    const auto fail = [&](const std::string& why) {
        (void)sys::write_all(answer, why);
        ::_exit(kExitSystem);
    };
    // Nothing of the daemon but this: a socket that it closes would go on to listen.
    sys::close_all_but({answer, state, text, reading.packed.get()});
    const auto configuration = text_of(reading);
    if (!configuration) fail("the configuration in use cannot be written as text");
    if (auto put = sys::write_all(text, *configuration); !put) fail(sys::to_string(put.error()));
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    static_assert(kStateFd == 3 && kTextFd == 4);
    if (!set_descriptors({null.get(), answer, answer, state, text})) ::_exit(kExitSystem);
    sys::reset_signals();
    const SysError error = sys::execute(program, {"portsplitd", "--can-take", state_version()},
                                        sys::own_environment());
    (void)sys::write_all(STDOUT_FILENO, sys::to_string(error));
    ::_exit(kExitNotExecutable);
}

}  // namespace

std::string answer_of_a_successor(std::string_view version) {
    return fmt::format("portsplitd can take over the state {}\n", version);
}

sys::Result<UniqueFd> in_memory(const char* name, std::string_view bytes) {
    auto memory = sys::new_memory(name);
    if (!memory) return memory.error();
    if (auto put = sys::write_all(memory->get(), bytes); !put) return put.error();
    if (auto sealed = sys::seal(memory->get()); !sealed) return sealed.error();
    return memory;
}

void Upgrade::want(pid_t asker) {
    const bool has_begun = is_under_way() && !is_wanted_;
    std::vector<pid_t>& askers = has_begun ? askers_ : waiting_;
    if (asker > 0 && askers.size() < kMostAskers) askers.push_back(asker);
    if (!has_begun) is_wanted_ = true;
}

void Upgrade::answer(std::string_view outcome) {
    for (const pid_t asker : std::exchange(askers_, {})) sys::answer(asker, outcome);
}

Upgrade::Identity Upgrade::identity() const {
    struct stat file {};
    if (::stat(program_.c_str(), &file) < 0) return {};
    return {file.st_dev, file.st_ino, file.st_size, file.st_ctim.tv_sec, file.st_ctim.tv_nsec};
}

sys::Result<sys::Done> Upgrade::check(std::string_view state, const Reading& reading) {
    is_wanted_ = false;
    askers_.insert(askers_.end(), waiting_.begin(), waiting_.end());
    waiting_.clear();
    checked_ = identity();
    auto bytes = in_memory("portsplit-state", state);
    if (!bytes) return bytes.error();
    auto text = sys::new_memory("portsplit-text");
    if (!text) return text.error();
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return SysError{errno, "cannot make a pipe"};
    UniqueFd answer(ends[0]);
    const UniqueFd question(ends[1]);
    ::fcntl(answer.get(), F_SETFL, O_NONBLOCK);
    const pid_t daemon = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return SysError{errno, "cannot fork to ask the new program"};
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != daemon) ::_exit(kExitSystem);
        ask(program_, reading, question.get(), bytes->get(), text->get());
    }
    check_ = Check{pid, std::move(answer), *std::move(text), Clock::now() + limit_};
    return sys::Done{};
}

Clock::time_point Upgrade::due() const {
    return check_ && !check_->is_late ? check_->until : Clock::time_point::max();
}

void Upgrade::kill_late() {
    if (Clock::now() < due()) return;
    check_->is_late = true;  // its end brings the outcome
    ::kill(check_->pid, SIGKILL);
}

std::string Upgrade::on_check_end(int status) {
    Check check = *std::exchange(check_, std::nullopt);
    if (check.is_dropped) return {};
    if (check.is_late) {
        return fmt::format("it did not answer within {} ms", limit_.count());
    }
    const std::string answer = read_now(check.answer.get());
    if (status != 0 || answer != answer_of_a_successor(state_version())) {
        const std::string line = first_line(answer);
        return fmt::format("asked whether it can take over, it ended with {} and {}{}",
                           sys::describe_status(status),
                           line.empty() ? "said nothing" : "the words: ", line);
    }
    if (auto sealed = sys::seal(check.text.get()); !sealed) return sys::to_string(sealed.error());
    text_ = std::move(check.text);
    return {};
}

bool Upgrade::is_ready() {
    if (!text_) return false;
    if (identity() == checked_) return true;
    text_.reset();
    is_wanted_ = true;
    return false;
}

void Upgrade::drop() {
    is_wanted_ = false;
    text_.reset();
    askers_.insert(askers_.end(), waiting_.begin(), waiting_.end());
    waiting_.clear();
    if (!check_) return;
    check_->is_dropped = true;
    ::kill(check_->pid, SIGKILL);
}

void Upgrade::append_to(StateWriter& state) const {
    state.number(askers_.size());
    for (const pid_t asker : askers_) state.plain(asker);
    state.number(is_wanted_ ? 1 : 0);
}

void Upgrade::take_from(StateReader& state) {
    for (std::uint64_t left = state.number(kMostAskers * 2); left > 0 && state.is_good(); --left) {
        askers_.push_back(state.plain<pid_t>());
    }
    is_wanted_ = state.flag();
}

}  // namespace portsplit::daemon
