#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <system_error>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/output.h"
#include "exit_codes.h"
#include "sys/asker.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/file.h"

namespace portsplit::cli {
namespace {

/// A reload that is on its way comes first; then the new program is asked, and a new portsplit-dispatch starts.
/// The daemon limits each.
constexpr std::chrono::seconds kLimit{120};
/// Between two looks whether the daemon still lives.
constexpr std::chrono::seconds kLookPause{1};

/// Returns a message about what was to be upgraded.
int fail(const std::string& file, const std::string& why) {
    complain_about(file, why);
    return kExitSystem;
}

/// Returns the process that a pid file names and that holds its lock; or a sentence.
core::Result<pid_t, std::string> daemon_of(const std::string& path) {
    const sys::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) {
        return fmt::format("no portsplitd runs with the pid file {}: {}", path,
                           sys::error_text(errno));
    }
    const auto text = sys::read_all(fd.get());
    if (!text) return sys::to_string(text.error());
    pid_t pid = 0;
    const auto read = std::from_chars(text->data(), text->data() + text->size(), pid);
    if (read.ec != std::errc() || pid <= 1) {
        return fmt::format("the pid file {} does not begin with a process id", path);
    }
    // The lock of a daemon ends with it (flock(2)).
    if (::flock(fd.get(), LOCK_SH | LOCK_NB) == 0) {
        return fmt::format("no portsplitd runs with the pid file {}: nothing locks it", path);
    }
    const auto name = sys::read_file(fmt::format("/proc/{}/comm", pid));
    if (!name || *name != "portsplitd\n") {
        return fmt::format("the process {}, which the pid file {} names, is no portsplitd", pid,
                           path);
    }
    return pid;
}

/// Waits for the answer of the daemon; nothing if none comes, or the daemon ends.
std::optional<std::string> wait_for_answer(const sys::Asker& asker, pid_t daemon) {
    const auto until = sys::Clock::now() + kLimit;
    while (sys::Clock::now() < until) {
        if (auto answer = asker.wait(daemon, kLookPause)) return answer;
        if (::kill(daemon, 0) < 0 && errno == ESRCH) break;
    }
    return asker.wait(daemon, std::chrono::seconds(0));
}

}  // namespace

int upgrade(const std::string& file) {
    const auto loaded = load_or_complain(file, config::Need::Global);
    if (!loaded) return kExitConfiguration;
    print_issues(loaded->issues, Print::Errors);
    if (!loaded->config) return kExitConfiguration;
    const std::string path(loaded->config->pid);
    if (path.empty()) {
        complain_about(file,
                       "the file has no pid key, which names the running portsplitd; send SIGUSR2 "
                       "to its process instead");
        return kExitConfiguration;
    }
    const auto daemon = daemon_of(path);
    if (!daemon) return fail(file, daemon.error());
    const auto asker = sys::Asker::open();
    if (!asker) return fail(file, sys::to_string(asker.error()));
    if (auto asked = asker->ask(*daemon, SIGUSR2); !asked) {
        return fail(file, sys::to_string(asked.error()));
    }
    const auto answer = wait_for_answer(*asker, *daemon);
    if (!answer || answer->empty()) {
        return fail(file,
                    fmt::format("the portsplitd with the process id {} gave no answer; its log "
                                "has more, unless it cannot be upgraded and needs a restart",
                                *daemon));
    }
    const std::string words = answer->substr(1);
    if (answer->front() != '+') return fail(file, words);
    return print_result(fmt::format("{}: {}, process {}\n", file, words, *daemon));
}

}  // namespace portsplit::cli
