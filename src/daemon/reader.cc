#include "daemon/reader.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <vector>

#include "config/packed.h"
#include "config/rights.h"
#include "config/trust.h"
#include "config_file.h"
#include "core/entrance.h"
#include "exit_codes.h"
#include "sys/capability.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/program.h"
#include "sys/resource_limits.h"
#include "sys/run_as.h"
#include "sys/user.h"
#include "sys/user_files.h"

namespace portsplit::daemon {
namespace {

using sys::Level;
using sys::Result;
using sys::SysError;

/// The most bytes of facts that are read. A list of 100,000 prefixes takes up to four million.
constexpr std::size_t kLargestFacts = std::size_t{1} << 26;

std::uint32_t count_errors(const std::vector<config::Issue>& issues) {
    return static_cast<std::uint32_t>(std::count_if(
        issues.begin(), issues.end(),
        [](const config::Issue& issue) { return issue.severity == config::Severity::Error; }));
}

/// Reads the file and checks it against this machine. Logs its problems.
/// @returns their number if the file cannot be used; 0 if it cannot be read
core::Result<core::Config, std::uint32_t> load(const std::string& file, config::Need need,
                                               sys::Log& log) {
    auto read = load_file(file, need, PORTSPLIT_SBIN_TO_PATTERNS);
    if (!read) {
        log.line(Level::Error, sys::to_string(read.error()));
        return std::uint32_t{0};
    }
    config::Loaded loaded = *std::move(read);
    log_issues(loaded.issues, config::Severity::Warning, log);
    if (!loaded.config) return count_errors(loaded.issues);
    // A warning only: a missing program or folder ends its own connections, and the other services work.
    const config::Surroundings programs{.why_not_executable = sys::why_not_executable,
                                        .why_no_folder = sys::why_no_folder};
    auto missing = config::check_surroundings(loaded, programs);
    for (config::Issue& issue : missing) issue.severity = config::Severity::Warning;
    log_issues(missing, config::Severity::Warning, log);
    const config::Surroundings writable{.writable_by_all = sys::writable_by_all,
                                        .program_writable_by_all = [](const std::string& program) {
                                            return sys::writable_by_all(sys::find_program(program));
                                        }};
    log_issues(config::check_trust(loaded, writable), config::Severity::Warning, log);
    const config::Surroundings users{.user_exists = sys::user_exists,
                                     .group_exists = sys::group_exists,
                                     .why_not_become = sys::why_not_become,
                                     .why_no_limit = sys::why_no_limit,
                                     .why_no_nice = sys::why_no_nice};
    for (const auto& errors :
         {config::check_surroundings(loaded, users), config::check_rights(loaded, users)}) {
        log_issues(errors, config::Severity::Error, log);
        if (!errors.empty()) return count_errors(errors);
    }
    if (::geteuid() == 0) log_issues(config::warn_of_root(loaded), config::Severity::Warning, log);
    return *std::move(loaded.config);
}

/// Warns if no relay can have its client's address (ip(7) IP_TRANSPARENT).
void warn_without_net_raw(const core::Config& config, sys::Log& log) {
    const auto transparent = std::ranges::find_if(config.services, core::is_transparent);
    if (transparent == config.services.end() || sys::passes_on_net_raw()) return;
    log.line(
        Level::Warning,
        fmt::format("warning: service {}: transparent = yes, but this {} has no CAP_NET_RAW, so "
                    "each of its connections fails; start portsplitd {}",
                    transparent->name, ::geteuid() == 0 ? "root" : "user",
                    ::geteuid() == 0
                        ? "with CAP_NET_RAW in its bounding set (CapabilityBoundingSet=)"
                        : "as root, or give it AmbientCapabilities=CAP_NET_RAW (the drop-in "
                          "transparent.conf)"));
}

/// Says that a user is ignored.
void warn_of_ignored_user(const core::Config& config, sys::Log& log) {
    if (::geteuid() == 0 || (config.user.empty() && config.group.empty())) return;
    log.line(Level::Warning, "warning: user and group are ignored: only root can change them");
}

/// Returns the user that a zygote becomes at once; none if it stays who the daemon is.
std::optional<sys::User> user_of_zygote(const core::Config& numbered) {
    if (::geteuid() != 0 || sys::has_own_users(numbered)) return std::nullopt;
    return sys::user_of_numbers(numbered.user, numbered.group);
}

/// Returns a bind with numbers for the owners of its socket. A look-up may take long, so the daemon makes none.
Result<core::Endpoint> with_numbers(const core::Endpoint& bind) {
    if (!bind.is_unix()) return bind;
    const core::UnixSocket socket = core::unix_socket(bind);
    std::string text = fmt::format("{}{}", core::Endpoint::kUnix, socket.path);
    if (!socket.mode.empty()) text += fmt::format(",mode={}", socket.mode);
    if (!socket.user.empty()) {
        const auto user = sys::find_user(std::string(socket.user), {});
        if (!user) return user.error();
        text += fmt::format(",user={}", user->uid);
    }
    if (!socket.group.empty()) {
        const auto group = sys::find_user({}, std::string(socket.group));
        if (!group) return group.error();
        text += fmt::format(",group={}", group->gid);
    }
    return core::Endpoint{core::Text(text), 0};
}

Result<core::Config> with_numbers(core::Config config) {
    std::vector<core::Listener*> listeners{&config.top};
    for (core::Listener& listener : config.listeners) listeners.push_back(&listener);
    for (core::Listener* listener : listeners) {
        for (core::Endpoint& bind : listener->bind) {
            auto numbered = with_numbers(bind);
            if (!numbered) return numbered.error();
            bind = *std::move(numbered);
        }
    }
    return config;
}

/// The work of the reader; returns its exit code.
int read(const std::string& file, config::Need need, sys::Log& log, int facts, int packed) {
    const auto config = load(file, need, log);
    if (!config) {
        (void)sys::write_all(facts, pack_problems(config.error()));
        return kExitConfiguration;
    }
    const auto failed = [&log](const SysError& error) {
        log.line(Level::Error, sys::to_string(error));
        return kExitSystem;
    };
    warn_without_net_raw(*config, log);
    const auto users = sys::with_user_numbers(
        *config, sys::find_user, [](const std::string& name, const std::string& group) {
            return sys::find_user_in_files(name, group);
        });
    if (!users) return failed(users.error());
    warn_of_ignored_user(*config, log);
    if (auto written = sys::write_all(packed, config::pack(*users)); !written) {
        return failed(written.error());
    }
    auto numbered = with_numbers(*users);
    if (!numbered) return failed(numbered.error());
    const auto user = user_of_zygote(*users);
    if (auto written = sys::write_all(facts, pack_facts(*std::move(numbered), user)); !written) {
        return failed(written.error());
    }
    return 0;
}

/// Limits the memory of this process. AddressSanitizer reserves more than any limit.
void limit_memory(std::size_t most) {
#if !defined(__SANITIZE_ADDRESS__)
    rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_cur <= most) return;
    limit.rlim_cur = most;
    ::setrlimit(RLIMIT_AS, &limit);
#else
    (void)most;
#endif
}

}  // namespace

Result<Reader> Reader::start(const std::string& file, config::Need need, sys::Log& log,
                             std::size_t memory) {
    auto facts = sys::new_memory("portsplit-facts");
    if (!facts) return facts.error();
    auto packed = sys::new_memory("portsplit.conf");
    if (!packed) return packed.error();
    const pid_t daemon = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return SysError{errno, "cannot fork to read " + file};
    if (pid > 0) return Reader(file, pid, *std::move(facts), *std::move(packed));

    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != daemon) ::_exit(kExitSystem);  // it died before the line above
    // Nothing of the daemon but this: it would live as long as the reader, which may be stuck.
    sys::close_all_but({log.descriptor(), facts->get(), packed->get()});
    limit_memory(memory);
    int code = kExitSystem;
    try {
        code = read(file, need, log, facts->get(), packed->get());
    } catch (const std::bad_alloc&) {
        log.line(Level::Error, fmt::format("cannot read {}: it needs more than {} MiB of memory",
                                           file, memory >> 20));
    }
    ::_exit(code);
}

void Reader::kill() {
    killed_ = true;
    ::kill(pid_, SIGKILL);
}

core::Result<std::shared_ptr<const Reading>, Unread> Reader::finish(int status, sys::Log& log) {
    const auto failed = [&](const std::string& why) {
        log.line(Level::Error, fmt::format("cannot read {}: {}", file_, why));
        return Unread{kExitSystem};
    };
    if (killed_) return failed("it takes too long");
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        const auto problems = sys::read_memory(facts_.get(), kLargestFacts);
        return Unread{WEXITSTATUS(status), problems ? unpack_problems(*problems) : 0};
    }
    if (status != 0) {
        return failed(
            fmt::format("the process that reads it ended ({})", sys::describe_status(status)));
    }
    if (auto sealed = sys::seal(packed_.get()); !sealed)
        return failed(sys::to_string(sealed.error()));
    if (auto sealed = sys::seal(facts_.get()); !sealed)
        return failed(sys::to_string(sealed.error()));
    const auto facts = sys::read_memory(facts_.get(), kLargestFacts);
    if (!facts) return failed(sys::to_string(facts.error()));
    auto found = unpack_facts(*facts);
    if (!found) return failed("the process that reads it gave no answer");
    return std::shared_ptr<const Reading>(
        std::make_shared<Reading>(Reading{*std::move(found), std::move(packed_)}));
}

}  // namespace portsplit::daemon
