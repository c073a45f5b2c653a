#include "dispatch/sandbox.h"

// How it works
//
// The order matters. Capabilities go first, while the process may still limit what a program could have. Landlock
// comes before the filter, which has none of its calls. What the C library reads at its first use is read before.

#include <fmt/core.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <variant>
#include <vector>

#include "core/entrance.h"
#include "sys/address.h"
#include "sys/capability.h"
#include "sys/process.h"

namespace portsplit::dispatch {
namespace {

using sys::Level;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kHasSanitizer = true;
#else
constexpr bool kHasSanitizer = false;
#endif

constexpr std::uint16_t kDnsPort = 53;

/// Calls `use` with each target of each service.
template <typename Use>
void for_each_target(const core::Config& config, Use use) {
    for (const core::Service& service : config.services) {
        const auto* connect = std::get_if<core::Connect>(&service.action);
        if (connect == nullptr) continue;
        for (const core::Endpoint& target : connect->targets) use(target);
    }
}

/// An IPv6 address with a zone counts as no name, also while its interface is missing.
bool has_zone(const core::Endpoint& target) { return target.host.find('%') != core::Text::npos; }

bool is_name(const core::Endpoint& target) {
    return !target.is_unix() && !has_zone(target) && !sys::Address::from(target);
}

bool has_name(const core::Config& config) {
    bool found = false;
    for_each_target(config,
                    [&](const core::Endpoint& target) { found = found || is_name(target); });
    return found;
}

/// Returns a path without its last part; empty for the root.
std::string above(const std::string& path) { return path.substr(0, path.rfind('/')); }

/// Returns the folder of a file behind all links; if that is missing, the nearest above that is there. Empty for
/// the root.
std::string folder_of(const std::string& path) {
    std::array<char, PATH_MAX> place{};
    if (::realpath(path.c_str(), place.data()) != nullptr) return above(place.data());
    const ssize_t size = ::readlink(path.c_str(), place.data(), place.size() - 1);
    if (size <= 0) return above(path);
    const std::string link(place.data(), static_cast<std::size_t>(size));
    std::string folder = above(link.front() == '/' ? link : above(path) + "/" + link);
    while (!folder.empty() && ::realpath(folder.c_str(), place.data()) == nullptr) {
        folder = above(folder);
    }
    return folder.empty() ? folder : std::string(place.data());
}

std::string parts_of(int landlock) {
    std::string parts = "files";
    if (landlock >= sys::kLandlockWithTcp) parts += ", TCP";
    if (landlock >= sys::kLandlockWithScopes) parts += ", signals";
    return fmt::format("Landlock ABI {} ({})", landlock, parts);
}

constexpr std::string_view kNoneWithSanitizer =
    "sandbox: none, for this build has AddressSanitizer";
constexpr std::string_view kNoFilter =
    "no filter of system calls, for this kernel or processor has none";
constexpr std::string_view kNoLandlock = "no Landlock, which this kernel does not have or has off";

/// Returns what is missing, and why; empty if nothing is.
std::string lack_of(const Means& means) {
    if (!means.filter && means.landlock == 0) return fmt::format("{}; {}", kNoFilter, kNoLandlock);
    if (!means.filter) return std::string(kNoFilter);
    return means.landlock == 0 ? std::string(kNoLandlock) : std::string();
}

std::string report_of(const Means& given, const std::string& lack) {
    std::string text = given.filter ? "seccomp" : "";
    if (given.landlock > 0) text += (text.empty() ? "" : ", ") + parts_of(given.landlock);
    if (text.empty()) return "sandbox: none: " + lack;
    return "sandbox: " + text + (lack.empty() ? "" : "; " + lack);
}

/// Returns false if a filter that this process has already, of a service manager or a container, ends a process
/// that asks the kernel this.
bool may_ask(const std::function<void()>& ask) {
    if (::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0) return true;
    const pid_t pid = ::fork();
    if (pid == 0) {
        ask();
        ::_exit(0);
    }
    return pid > 0 && sys::wait_for_child(pid) == 0;
}

/// Takes the steps in their order.
/// @param means  loses what fails
/// @returns what failed, and why; empty if nothing did
std::string apply(const core::Config& config, const Work& work, Means& means) {
    std::string failures;
    const auto works = [&failures](const sys::Result<sys::Done>& done) {
        if (!done) failures += (failures.empty() ? "" : "; ") + sys::to_string(done.error());
        return done.ok();
    };
    ::tzset();  // reads the time zone
    works(sys::leave_none(work.transparent ? sys::Except::NetRaw : sys::Except::Nothing));
    works(sys::refuse_new_privileges());
    const sys::Reach reach = work.sniffs ? sys::Reach{} : reach_for(config);
    if (means.landlock > 0 && !works(sys::restrict_reach(reach, means.landlock))) {
        means.landlock = 0;
    }
    if (means.filter && !works(sys::allow_only(allowed_calls(work)))) means.filter = false;
    return failures;
}

Confinement refusal(const std::string& why) {
    return {.is_refused = true, .report = "sandbox = required: " + why, .level = Level::Error};
}

}  // namespace

Means Means::of_kernel() {
    Means means;
    if (may_ask([] { (void)sys::can_filter_calls(); })) means.filter = sys::can_filter_calls();
    if (may_ask([] { (void)sys::landlock_version(); })) means.landlock = sys::landlock_version();
    return means;
}

const core::Service* first_program(const core::Config& config) {
    const auto found = std::ranges::find_if(config.services, [](const core::Service& service) {
        return std::holds_alternative<core::Exec>(service.action);
    });
    return found == config.services.end() ? nullptr : &*found;
}

Work work_for(const core::Config& config, const core::List<core::Endpoint>& listeners) {
    Work work;
    work.names = has_name(config);
    work.transparent = std::ranges::any_of(config.services, core::is_transparent);
    for_each_target(config, [&](const core::Endpoint& target) {
        work.unix_targets = work.unix_targets || target.is_unix();
        work.zones = work.zones || has_zone(target);
        const auto is_same_port = [&](const core::Endpoint& listener) {
            return !listener.is_unix() && listener.port == target.port;
        };
        work.own_addresses = work.own_addresses ||
                             (!target.is_unix() && std::ranges::any_of(listeners, is_same_port));
    });
    return work;
}

sys::Reach reach_for(const core::Config& config) {
    sys::Reach reach;
    reach.binds = std::ranges::any_of(config.services, core::is_transparent);
    for_each_target(config, [&](const core::Endpoint& target) {
        if (target.is_unix()) {
            reach.abstract_sockets =
                reach.abstract_sockets || core::unix_socket(target).is_abstract();
        } else {
            reach.ports.push_back(target.port);
        }
    });
    if (!has_name(config)) return reach;
    reach.ports.push_back(kDnsPort);
    // Their folders, not the files: a changed file is usually a new one in the place of the old.
    for (const char* file : {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"}) {
        reach.readable.push_back(folder_of(file));
    }
    reach.readable.emplace_back("/etc");
    reach.readable.emplace_back("/dev/null");     // c-ares reads it in the place of resolv.conf
    reach.readable.emplace_back("/dev/urandom");  // c-ares makes the numbers of its queries of it
    return reach;
}

void leave_standard_error() {
    if (!kHasSanitizer) ::dup2(STDOUT_FILENO, STDERR_FILENO);
}

RelaySandbox RelaySandbox::prepare(const core::Config& config, Means means) {
    RelaySandbox sandbox;
    if (config.sandbox == core::Sandbox::Off) return sandbox;
    if (kHasSanitizer) {
        sandbox.confinement_.report = std::string(kNoneWithSanitizer);
        return sandbox;
    }
    sandbox.is_on_ = true;
    means.filter = false;
    std::string lack = means.landlock == 0 ? std::string(kNoLandlock) : std::string();
    if (means.landlock > 0) {
        auto rules = sys::reach_rules(reach_for(config), means.landlock);
        if (rules) {
            sandbox.rules_ = *std::move(rules);
        } else {
            means.landlock = 0;
            lack = sys::to_string(rules.error());
        }
    }
    if (config.sandbox == core::Sandbox::Required && !lack.empty()) {
        sandbox.confinement_ = refusal(lack);
        return sandbox;
    }
    sandbox.confinement_.report = fmt::format("{}, of relays; service {} starts a program",
                                              report_of(means, lack), first_program(config)->name);
    sandbox.confinement_.level = lack.empty() ? Level::Info : Level::Warning;
    return sandbox;
}

sys::Result<sys::Done> RelaySandbox::enter() const {
    if (auto left = sys::leave_only({}); !left) return left;
    if (auto refused = sys::refuse_new_privileges(); !refused) return refused;
    if (rules_) {
        if (auto restricted = sys::restrict_to(rules_.get()); !restricted) return restricted;
    }
    sys::limit_to(kMostDescriptors);
    return sys::Done{};
}

Confinement confine(const core::Config& config, const Work& work, Means means) {
    if (config.sandbox == core::Sandbox::Off) return {};
    const bool is_required = config.sandbox == core::Sandbox::Required;
    if (kHasSanitizer) return {.report = std::string(kNoneWithSanitizer)};
    std::string lack = lack_of(means);
    if (const std::string failures = apply(config, work, means); !failures.empty()) {
        lack += (lack.empty() ? "" : "; ") + failures;
    }
    if (is_required && !lack.empty()) return refusal(lack);
    return {.has_filter = means.filter,
            .report = report_of(means, lack),
            .level = lack.empty() ? Level::Info : Level::Warning};
}

Confinement confine_as(const std::optional<sys::User>& user, const core::Config& config,
                       const Work& work) {
    if (user) {
        const auto became = sys::become(*user);
        if (!became) {
            return {.is_refused = true,
                    .report = sys::to_string(became.error()),
                    .level = Level::Error};
        }
    }
    return confine(config, work);
}

}  // namespace portsplit::dispatch
