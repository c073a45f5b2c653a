#include "dispatch/launch.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "core/ip_address.h"
#include "core/passed_fields.h"
#include "exit_codes.h"
#include "sys/capability.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/program.h"
#include "sys/resource_limits.h"
#include "sys/run_as.h"
#include "sys/signals.h"
#include "sys/socket.h"

namespace portsplit::dispatch {
namespace {

/// The `TERM` of a program on a terminal: every terminal database has it (terminfo(5)), and it needs no
/// more than what all terminals can do.
constexpr const char* kTerm = "vt100";

/// A list of `NAME=VALUE` texts with each name once.
class Environment {
  public:
    explicit Environment(std::vector<std::string> entries) : entries_(std::move(entries)) {}

    void set(std::string_view name, std::string_view value) {
        remove(name);
        entries_.push_back(std::string(name) + "=" + std::string(value));
    }

    void remove(std::string_view name) {
        const std::string prefix = std::string(name) + "=";
        std::erase_if(entries_,
                      [&](const std::string& entry) { return entry.starts_with(prefix); });
    }

    /// Removes every variable whose name begins so.
    void remove_all(std::string_view beginning) {
        std::erase_if(entries_, [&](const std::string& it) { return it.starts_with(beginning); });
    }

    /// Sets a port, unless it is 0: then it is not known.
    void set_port(std::string_view name, std::uint16_t port) {
        if (port != 0) set(name, std::to_string(port));
    }

    /// Sets what has a value in the environment of this process.
    void pass(const std::string& name) {
        if (const char* value = ::getenv(name.c_str())) set(name, value);
    }

    /// Returns the value of a variable; none if it is not set.
    std::optional<std::string> value_of(std::string_view name) const {
        const std::string prefix = std::string(name) + "=";
        for (const std::string& entry : entries_) {
            if (entry.starts_with(prefix)) return entry.substr(prefix.size());
        }
        return std::nullopt;
    }

    std::vector<std::string> take() { return std::move(entries_); }

  private:
    std::vector<std::string> entries_;
};

void set_addresses(Environment& environment, const sys::Ends& ends) {
    const std::string remote = ends.peer.host();
    // A UCSPI server for TLS says more than TCP.
    if (environment.value_of("PROTO") != "SSL") environment.set("PROTO", "TCP");
    environment.set("TCPREMOTEIP", remote);
    environment.set_port("TCPREMOTEPORT", ends.peer.port());
    if (ends.local.is_internet()) {
        environment.set("TCPLOCALIP", ends.local.host());
        environment.set_port("TCPLOCALPORT", ends.local.port());
    }
    environment.set("REMOTE_ADDR", remote);
    environment.set_port("REMOTE_PORT", ends.peer.port());
    const auto host = environment.value_of("REMOTE_HOST");
    const bool is_name = host && !host->empty() && !core::IpAddress::parse(*host);
    if (!is_name) environment.set("REMOTE_HOST", remote);
}

/// Removes what a super-server says of its peer.
void remove_addresses(Environment& environment) {
    for (const char* beginning : {"TCPREMOTE", "TCPLOCAL", "REMOTE_", "IPC", "SOCAT_", "NCAT_"}) {
        environment.remove_all(beginning);
    }
    if (environment.value_of("PROTO") == "IPC") environment.remove("PROTO");
}

void set_paths(Environment& environment, const Origin& origin) {
    if (environment.value_of("PROTO") == "IPC") return;  // the UCSPI server has set all of them
    remove_addresses(environment);
    environment.set("PROTO", "IPC");
    const auto set_path = [&](std::string_view name, const sys::Address& address) {
        if (!address.path().empty()) environment.set(name, address.host());
    };
    set_path("IPCREMOTEPATH", origin.ends.peer);
    set_path("IPCLOCALPATH", origin.ends.local);
    if (!origin.credentials) return;
    environment.set("IPCREMOTEEUID", std::to_string(origin.credentials->user));
    environment.set("IPCREMOTEEGID", std::to_string(origin.credentials->group));
}

/// Makes this process the leader of a new session (setsid(2)). A leader of a process group cannot do that,
/// so it enters that of its session's leader first.
void make_session() {
    if (::getpgrp() == ::getpid()) ::setpgid(0, ::getsid(0));
    ::setsid();
}

/// Returns an octal number that the reader of the configuration has checked.
mode_t mode_in(std::string_view octal) {
    mode_t mode = 0;
    for (const char digit : octal) mode = mode * 8 + static_cast<mode_t>(digit - '0');
    return mode;
}

/// Sets the limits and the nice value of a program.
/// @returns 0, or errno
int set_limits(const core::Exec& exec) {
    for (const core::Text& text : exec.limits) {
        const auto limit = core::resource_limit_in(text);
        if (!limit) return EINVAL;
        if (const auto set = sys::set_limit(*limit); !set) return set.error().code;
    }
    if (exec.nice.empty()) return 0;
    const auto nice = core::nice_in(exec.nice);
    if (!nice) return EINVAL;
    const auto set = sys::set_nice(*nice);
    return set ? 0 : set.error().code;
}

/// @returns 0, or errno
int become_user(const sys::User& user) {
    if (const auto became = sys::become(user); !became) return became.error().code;
    if (user.uid != 0) return 0;
    const auto all = sys::use_all();  // for its folder and its file
    return all ? 0 : all.error().code;
}

}  // namespace

std::optional<sys::User> user_of(const core::Exec& exec, const std::optional<sys::User>& serving) {
    if (exec.user.empty()) return serving;
    return sys::user_of_numbers(exec.user, exec.group);
}

std::vector<std::string> clean_environment() { return {std::string("PATH=") + sys::kProgramPath}; }

std::vector<std::string> program_environment(std::vector<std::string> base, const core::Exec& exec,
                                             const Origin& origin, const std::string& service,
                                             core::Reason reason,
                                             const std::vector<core::Passed::Variable>& fields,
                                             std::string_view listener) {
    Environment environment(std::move(base));
    for (const core::Text& name : exec.passenv) environment.pass(std::string(name));
    if (exec.stdio == core::Stdio::Pty && !environment.value_of("TERM")) {
        environment.set("TERM", kTerm);
    }
    environment.set("PORTSPLIT_SERVICE", service);
    environment.set("PORTSPLIT_REASON", core::to_string(reason));
    if (!listener.empty()) environment.set("PORTSPLIT_LISTENER", listener);
    if (origin.is_named) remove_addresses(environment);
    if (origin.ends.peer.is_internet()) set_addresses(environment, origin.ends);
    if (origin.ends.peer.is_unix()) set_paths(environment, origin);
    for (const core::Passed::Variable& field : fields) {
        if (field.value) {
            environment.set(field.name, *field.value);
        } else {
            environment.remove(field.name);
        }
    }
    for (const std::string_view entry : exec.env) {
        if (core::split_field_variable(entry)) continue;
        const std::size_t sign = entry.find('=');
        environment.set(entry.substr(0, sign), entry.substr(sign + 1));
    }
    return environment.take();
}

LaunchError launch(const core::Exec& exec, const StandardDescriptors& descriptors,
                   const std::optional<sys::User>& user,
                   const std::vector<std::string>& environment) {
    make_session();
    if (exec.stdio == core::Stdio::Pty) ::ioctl(descriptors.in, TIOCSCTTY, 0);
    sys::restore_signals({SIGPIPE, SIGHUP});
    // Only root may set some of them, so the user is next, and its folder last.
    if (const int code = set_limits(exec); code != 0) return {Stage::Limit, code};
    if (user) {
        if (const int code = become_user(*user); code != 0) return {Stage::User, code};
    }
    ::umask(mode_in(exec.umask));
    if (::chdir(exec.directory.c_str()) < 0) return {Stage::Directory, errno};

    sys::set_blocking(descriptors.in, true);
    sys::set_blocking(descriptors.out, true);
    // None of the three is below 3, so no dup2 overwrites a descriptor that a later one copies.
    if (::dup2(descriptors.in, STDIN_FILENO) < 0 || ::dup2(descriptors.out, STDOUT_FILENO) < 0 ||
        ::dup2(descriptors.err, STDERR_FILENO) < 0) {
        return {Stage::Start, errno};
    }
    sys::close_on_exec_from(STDERR_FILENO + 1);

    std::vector<std::string> arguments = {
        std::string(exec.argv0.empty() ? exec.program : exec.argv0)};
    arguments.insert(arguments.end(), exec.arguments.begin(), exec.arguments.end());
    const sys::SysError error =
        sys::execute(sys::find_program(std::string(exec.program)), arguments, environment);
    return {Stage::Start, error.code};
}

int exit_code(const LaunchError& error) {
    const bool not_found = error.code == ENOENT || error.code == ENOTDIR;
    return error.stage == Stage::Start && not_found ? kExitNotFound : kExitNotExecutable;
}

}  // namespace portsplit::dispatch
