#include "config/rights.h"

#include <fmt/core.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/resource_limit.h"

namespace portsplit::config {
namespace {

class Rights {
  public:
    Rights(const Loaded& loaded, const Surroundings& surroundings)
        : loaded_(loaded), surroundings_(surroundings) {}

    std::vector<Issue> check() {
        const auto& services = loaded_.config->services;
        for (std::size_t i = 0; i < services.size(); ++i) {
            const auto* exec = std::get_if<core::Exec>(&services[i].action);
            if (exec != nullptr) check(services[i], *exec, loaded_.origins.services[i]);
        }
        sort_by_spot(found_);
        return std::move(found_);
    }

  private:
    void check(const core::Service& service, const core::Exec& exec, const Origin& origin) {
        if (!exec.user.empty() || !exec.group.empty()) check_user(service, exec, origin);
        for (std::size_t i = 0; surroundings_.why_no_limit && i < exec.limits.size(); ++i) {
            const auto limit = core::resource_limit_in(exec.limits[i]);
            refuse(origin.of("limit", i), service, "limit", exec.limits[i],
                   limit ? surroundings_.why_no_limit(*limit) : "");
        }
        if (const auto nice = core::nice_in(exec.nice); nice && surroundings_.why_no_nice) {
            refuse(origin.of("nice"), service, "nice", exec.nice, surroundings_.why_no_nice(*nice));
        }
    }

    void check_user(const core::Service& service, const core::Exec& exec, const Origin& origin) {
        if (!surroundings_.why_not_become) return;
        const std::string why =
            surroundings_.why_not_become(std::string(exec.user), std::string(exec.group));
        const std::string_view key = exec.user.empty() ? kGroup : kUser;
        refuse(origin.of(key), service, key, exec.user.empty() ? exec.group : exec.user, why);
    }

    /// @param why  empty: it can be had
    void refuse(Spot spot, const core::Service& service, std::string_view key,
                std::string_view value, const std::string& why) {
        if (why.empty()) return;
        found_.push_back(loaded_.origins.issue(
            Severity::Error, spot,
            fmt::format("{} = {}: service {} cannot have it: {}; start portsplitd as such, or "
                        "delete it",
                        key, value, service.name, why)));
    }

    const Loaded& loaded_;
    const Surroundings& surroundings_;
    std::vector<Issue> found_;
};

}  // namespace

std::vector<Issue> check_rights(const Loaded& loaded, const Surroundings& surroundings) {
    if (!loaded.config) return {};
    return Rights(loaded, surroundings).check();
}

std::vector<Issue> warn_of_root(const Loaded& loaded) {
    std::vector<Issue> found;
    if (!loaded.config || !loaded.config->user.empty()) return found;
    const auto& services = loaded.config->services;
    for (std::size_t i = 0; i < services.size(); ++i) {
        const auto* exec = std::get_if<core::Exec>(&services[i].action);
        if (exec == nullptr || !exec->user.empty()) continue;
        found.push_back(loaded.origins.warning(
            loaded.origins.services[i].of("exec"), "root", services[i].name,
            fmt::format(
                "{} runs as root, for no user is named; write user = NAME in the service, or "
                "user = root if it needs that",
                exec->program)));
    }
    return found;
}

}  // namespace portsplit::config
