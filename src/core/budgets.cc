#include "core/budgets.h"

#include <algorithm>

#include "core/entrance.h"

namespace portsplit::core {
namespace {

/// However small `maxconn` is.
constexpr std::size_t kFewest = 8;
constexpr std::size_t kCrashPenalty = 60;  ///< seconds

}  // namespace

bool has_budget(const Service& service) {
    return service.maxconn > 0 || service.maxconn_source > 0;
}

const char* key_of(Refusal why) {
    switch (why) {
        case Refusal::Source:
        case Refusal::ServiceSource:
            return "maxconn-source";
        case Refusal::Rate:
            return "rate-source";
        case Refusal::Penalty:
            return "penalty";
        case Refusal::Service:
            return "maxconn";
        case Refusal::Undecided:
            return "maxundecided";
        case Refusal::None:
            break;
    }
    return "-";
}

Budget budget_of(const Config& config, const Listener& listener) {
    const bool is_limited = config.maxconn > 0;
    const auto part = [&](std::size_t divisor) {
        return is_limited ? std::max(config.maxconn / divisor, kFewest) : std::size_t{0};
    };
    const auto crash = penalty_in(listener.penalty, Penalty::Cause::Crash);
    Budget budget;
    budget.source = listener.maxconn_source.value_or(part(10));
    budget.source_local = listener.maxconn_source.value_or(0);
    budget.undecided = listener.maxundecided.value_or(part(2));
    budget.shares_undecided = !listener.maxundecided.has_value();
    budget.rate = listener.rate_source;
    budget.undecided_penalty = penalty_in(listener.penalty, Penalty::Cause::Undecided).value_or(0);
    budget.crash_penalty = crash.value_or(kCrashPenalty);
    budget.crash_penalty_local = crash.value_or(0);
    budget.rate_penalty = penalty_in(listener.penalty, Penalty::Cause::Rate).value_or(0);
    return budget;
}

std::vector<ServiceBudget> service_budgets(const Config& config) {
    std::vector<ServiceBudget> budgets;
    for (const Service& service : config.services) {
        if (!has_budget(service)) continue;
        budgets.push_back({std::string(service.name), service.maxconn, service.maxconn_source});
    }
    return budgets;
}

std::vector<std::size_t> limited_services(const Config& config) {
    std::vector<std::size_t> limited;
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        if (has_budget(config.services[i])) limited.push_back(i);
    }
    return limited;
}

std::size_t budget_index(const std::vector<std::size_t>& limited, std::size_t service) {
    const auto found = std::ranges::lower_bound(limited, service);
    if (found == limited.end() || *found != service) return limited.size();
    return static_cast<std::size_t>(found - limited.begin());
}

bool asks_daemon(const Config& config) {
    return std::ranges::any_of(config.services, has_budget) || takes_headers(config);
}

std::optional<std::size_t> penalty_in(const List<Penalty>& list, Penalty::Cause cause,
                                      std::size_t code) {
    const auto found = std::ranges::find_if(list, [&](const Penalty& penalty) {
        return penalty.cause == cause && (cause != Penalty::Cause::Exit || penalty.code == code);
    });
    if (found == list.end()) return std::nullopt;
    return found->seconds;
}

}  // namespace portsplit::core
