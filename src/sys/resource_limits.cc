#include "sys/resource_limits.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "sys/capability.h"

namespace portsplit::sys {
namespace {

/// In the order of core::Resource.
constexpr std::array<int, core::kResourceCount> kResources{
    RLIMIT_AS,      RLIMIT_CORE,     RLIMIT_CPU,        RLIMIT_DATA,   RLIMIT_FSIZE, RLIMIT_LOCKS,
    RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE,       RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_RSS,
    RLIMIT_RTPRIO,  RLIMIT_RTTIME,   RLIMIT_SIGPENDING, RLIMIT_STACK};

int number_of(core::Resource resource) { return kResources.at(static_cast<std::size_t>(resource)); }

rlim_t value_of(std::uint64_t limit) {
    return limit == core::ResourceLimit::kUnlimited ? RLIM_INFINITY : rlim_t{limit};
}

}  // namespace

Result<Done> set_limit(const core::ResourceLimit& limit) {
    const rlimit wanted{value_of(limit.soft), value_of(limit.hard)};
    if (::setrlimit(static_cast<__rlimit_resource_t>(number_of(limit.resource)), &wanted) == 0) {
        return Done{};
    }
    return SysError{errno, "cannot set a limit"};
}

Result<Done> set_nice(int nice) {
    if (::setpriority(PRIO_PROCESS, 0, nice) == 0) return Done{};
    return SysError{errno, "cannot set the nice value"};
}

std::string why_no_limit(const core::ResourceLimit& limit) {
    rlimit own{};
    const auto resource = static_cast<__rlimit_resource_t>(number_of(limit.resource));
    if (passes_on(Capability::SysResource)) return {};
    if (::getrlimit(resource, &own) < 0 || value_of(limit.hard) <= own.rlim_max) return {};
    return fmt::format(
        "only root with CAP_SYS_RESOURCE can go above the hard limit of this process, which is {}",
        own.rlim_max);
}

std::string why_no_nice(int nice) {
    if (passes_on(Capability::SysNice)) return {};
    errno = 0;
    const int own = ::getpriority(PRIO_PROCESS, 0);
    rlimit limit{};
    const bool is_allowed = ::getrlimit(RLIMIT_NICE, &limit) == 0 &&
                            20 - nice <= static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 40));
    if (nice >= own || is_allowed) return {};
    return fmt::format(
        "only root with CAP_SYS_NICE can go below the nice value of this process, which is {}",
        own);
}

}  // namespace portsplit::sys
