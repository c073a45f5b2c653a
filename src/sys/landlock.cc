#include "sys/landlock.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace portsplit::sys {
namespace {

// As in <linux/landlock.h> of Linux 6.12, for older headers.

/// struct landlock_ruleset_attr. An older kernel takes it if the members that it does not have are 0.
struct Ruleset {
    std::uint64_t files = 0;
    std::uint64_t net = 0;
    std::uint64_t scoped = 0;
};

/// struct landlock_net_port_attr
struct PortRule {
    std::uint64_t allowed = 0;
    std::uint64_t port = 0;
};

constexpr unsigned kPortRule = 2;
constexpr std::uint64_t kBindTcp = 1U << 0;
constexpr std::uint64_t kConnectTcp = 1U << 1;
constexpr std::uint64_t kAbstractSockets = 1U << 0;
constexpr std::uint64_t kSignals = 1U << 1;

/// Returns all rights to files that a version has, one bit each.
std::uint64_t file_rights(int version) {
    constexpr std::uint64_t kOfFirst = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
    std::uint64_t rights = kOfFirst;
    if (version >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3) rights |= 1U << 14;  // truncate(2)
    if (version >= 5) rights |= 1U << 15;  // ioctl(2) of devices
    return rights;
}

Ruleset handled_by(const Reach& reach, int version) {
    Ruleset handled{.files = file_rights(version)};
    if (version >= kLandlockWithTcp) handled.net = kConnectTcp | (reach.binds ? 0 : kBindTcp);
    if (version >= kLandlockWithScopes) {
        handled.scoped = kSignals | (reach.abstract_sockets ? 0 : kAbstractSockets);
    }
    return handled;
}

Result<Done> allow_reading(int ruleset, const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!fd) return Done{};
    const landlock_path_beneath_attr rule{.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
                                          .parent_fd = fd.get()};
    if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) {
        return Done{};
    }
    return SysError{errno, fmt::format("cannot allow {} in Landlock", path)};
}

Result<Done> allow_port(int ruleset, std::uint16_t port) {
    const PortRule rule{.allowed = kConnectTcp, .port = port};
    if (::syscall(SYS_landlock_add_rule, ruleset, kPortRule, &rule, 0) == 0) return Done{};
    return SysError{errno, fmt::format("cannot allow port {} in Landlock", port)};
}

}  // namespace

int landlock_version() {
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? static_cast<int>(version) : 0;
}

Result<UniqueFd> reach_rules(const Reach& reach, int version) {
    const Ruleset handled = handled_by(reach, version);
    UniqueFd ruleset(
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)));
    if (!ruleset) return SysError{errno, "cannot use Landlock"};
    for (const std::string& path : reach.readable) {
        if (auto allowed = allow_reading(ruleset.get(), path); !allowed) return allowed.error();
    }
    if (handled.net != 0) {
        for (const std::uint16_t port : reach.ports) {
            if (auto allowed = allow_port(ruleset.get(), port); !allowed) return allowed.error();
        }
    }
    return ruleset;
}

Result<Done> restrict_to(int rules) {
    if (::syscall(SYS_landlock_restrict_self, rules, 0) == 0) return Done{};
    return SysError{errno, "cannot use Landlock"};
}

Result<Done> restrict_reach(const Reach& reach, int version) {
    const auto rules = reach_rules(reach, version);
    if (!rules) return rules.error();
    return restrict_to(rules->get());
}

}  // namespace portsplit::sys
