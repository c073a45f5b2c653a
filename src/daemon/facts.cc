#include "daemon/facts.h"

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "config/packed.h"
#include "core/entrance.h"

namespace portsplit::daemon {
namespace {

/// Before the groups of the user and the packed configuration without its services.
struct Head {
    // 0 or 1; numbers, since any bytes may come.
    std::uint32_t has_user = 0;
    std::uint32_t needs_net_raw = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::size_t groups = 0;
};

void clear_lists(core::Listener& listener) {
    listener.allow.clear();
    listener.deny.clear();
    listener.proxy_from.clear();
}

void append(std::string& bytes, std::uint64_t number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// Takes a number from the front of bytes; 0, and all that is left, if there are too few.
std::uint64_t take(std::string_view& bytes) {
    std::uint64_t number = 0;
    if (bytes.size() >= sizeof number) std::memcpy(&number, bytes.data(), sizeof number);
    bytes.remove_prefix(std::min(bytes.size(), sizeof number));
    return number;
}

void append_budgets(std::string& bytes, const std::vector<core::ServiceBudget>& budgets) {
    append(bytes, budgets.size());
    for (const core::ServiceBudget& budget : budgets) {
        append(bytes, budget.name.size());
        bytes += budget.name;
        append(bytes, budget.all);
        append(bytes, budget.source);
    }
}

std::optional<std::vector<core::ServiceBudget>> take_budgets(std::string_view& bytes) {
    std::vector<core::ServiceBudget> budgets;
    for (std::uint64_t count = take(bytes); count > 0; --count) {
        const std::uint64_t size = take(bytes);
        if (size >= bytes.size()) return std::nullopt;
        core::ServiceBudget& budget = budgets.emplace_back();
        budget.name = bytes.substr(0, size);
        bytes.remove_prefix(size);
        budget.all = take(bytes);
        budget.source = take(bytes);
    }
    return budgets;
}

void append_names(std::string& bytes, const std::vector<std::string>& names) {
    append(bytes, names.size());
    for (const std::string& name : names) {
        append(bytes, name.size());
        bytes += name;
    }
}

std::optional<std::vector<std::string>> take_names(std::string_view& bytes) {
    std::vector<std::string> names;
    for (std::uint64_t count = take(bytes); count > 0; --count) {
        const std::uint64_t size = take(bytes);
        if (size > bytes.size() || size == 0) return std::nullopt;
        names.emplace_back(bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
    return names;
}

/// Returns the names in the `passenv` of all services, each once.
std::vector<std::string> passed_variables(const core::Config& config) {
    std::set<std::string> names;
    for (const core::Service& service : config.services) {
        const auto* exec = std::get_if<core::Exec>(&service.action);
        if (exec == nullptr) continue;
        for (const core::Text& name : exec->passenv) names.emplace(name);
    }
    return {names.begin(), names.end()};
}

}  // namespace

Admission::Admission(const core::Config& config) {
    core::AccessNumbers numbers;
    for (const core::Listener* listener : core::listeners_of(config)) {
        Lists& lists = of_listener_.emplace_back();
        lists.served = numbers.number_of(listener->allow, listener->deny);
        if (listener->proxy_from.empty()) continue;
        lists.balancers = numbers.number_of(listener->proxy_from, {});
    }
    for (const auto& [allowed, denied] : numbers.all()) accesses_.emplace_back(allowed, denied);
}

bool Admission::admits(std::size_t listener, const sys::Address& peer) const {
    if (of_listener_.empty()) return true;
    return listener < of_listener_.size() && allows(of_listener_[listener].served, peer);
}

bool Admission::is_balancer(std::size_t listener, const sys::Address& peer) const {
    return listener < of_listener_.size() && allows(of_listener_[listener].balancers, peer);
}

bool Admission::allows(std::uint32_t number, const sys::Address& peer) const {
    if (number == core::AccessNumbers::kForAll) return true;
    if (number == kForNobody) return false;
    const core::Access& access = accesses_[number];
    return access.allows(sys::source_of(peer, access.has_zones()));
}

void Admission::append_to(std::string& bytes) const {
    append(bytes, accesses_.size());
    for (const core::Access& access : accesses_) access.append_to(bytes);
    append(bytes, of_listener_.size());
    for (const Lists& lists : of_listener_) {
        append(bytes, lists.served);
        append(bytes, lists.balancers);
    }
}

bool Admission::is_number(std::uint64_t number) const {
    return number == core::AccessNumbers::kForAll || number == kForNobody ||
           number < accesses_.size();
}

std::optional<Admission> Admission::take_from(std::string_view& bytes) {
    Admission admission;
    for (std::uint64_t count = take(bytes); count > 0; --count) {
        auto access = core::Access::take_from(bytes);
        if (!access) return std::nullopt;
        admission.accesses_.push_back(*std::move(access));
    }
    for (std::uint64_t count = take(bytes); count > 0; --count) {
        if (bytes.empty()) return std::nullopt;
        const std::uint64_t served = take(bytes);
        const std::uint64_t balancers = take(bytes);
        if (!admission.is_number(served) || !admission.is_number(balancers)) return std::nullopt;
        admission.of_listener_.push_back(
            {static_cast<std::uint32_t>(served), static_cast<std::uint32_t>(balancers)});
    }
    return admission;
}

std::string pack_problems(std::uint32_t problems) {
    return {reinterpret_cast<const char*>(&problems), sizeof problems};
}

std::uint32_t unpack_problems(std::string_view bytes) {
    std::uint32_t problems = 0;
    if (bytes.size() == sizeof problems) std::memcpy(&problems, bytes.data(), sizeof problems);
    return problems;
}

std::string pack_facts(core::Config config, const std::optional<sys::User>& user) {
    Head head;
    std::string groups;
    if (user) {
        const bool is_transparent = std::ranges::any_of(config.services, core::is_transparent);
        head = {1, is_transparent ? 1U : 0U, user->uid, user->gid, user->groups.size()};
        groups.assign(reinterpret_cast<const char*>(user->groups.data()),
                      user->groups.size() * sizeof(gid_t));
    }
    std::string facts(reinterpret_cast<const char*>(&head), sizeof head);
    facts += groups;
    Admission(config).append_to(facts);
    append_budgets(facts, core::service_budgets(config));
    append_names(facts, passed_variables(config));
    config.services.clear();
    clear_lists(config.top);
    for (core::Listener& listener : config.listeners) clear_lists(listener);
    return facts + config::pack(config);
}

std::optional<Facts> unpack_facts(std::string_view bytes) {
    Head head;
    if (bytes.size() < sizeof head) return std::nullopt;
    std::memcpy(&head, bytes.data(), sizeof head);
    bytes.remove_prefix(sizeof head);
    if (head.groups > bytes.size() / sizeof(gid_t)) return std::nullopt;
    const std::string_view groups = bytes.substr(0, head.groups * sizeof(gid_t));
    bytes.remove_prefix(groups.size());
    auto admission = Admission::take_from(bytes);
    if (!admission) return std::nullopt;
    auto budgets = take_budgets(bytes);
    auto passenv = take_names(bytes);
    if (!budgets || !passenv) return std::nullopt;
    auto config = config::unpack(bytes, config::Need::Global);
    if (!config) return std::nullopt;
    if (admission->listener_count() != core::listeners_of(*config).size()) return std::nullopt;
    Facts facts{*std::move(config), std::nullopt, *std::move(admission), *std::move(budgets),
                *std::move(passenv)};
    if (head.has_user != 0) {
        facts.user =
            sys::User{head.uid, head.gid, std::vector<gid_t>(head.groups), head.needs_net_raw != 0};
        // memcpy(3) allows no null pointer, which an empty vector may have.
        if (!groups.empty()) {
            std::memcpy(facts.user->groups.data(), groups.data(), groups.size());
        }
    }
    return facts;
}

}  // namespace portsplit::daemon
