#include "sys/run_as.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace portsplit::sys {
namespace {

/// Users without rights, the better first. The number is that of `nobody` on most systems.
constexpr std::string_view kWithoutRights[] = {"portsplit", "nobody", "65534"};

/// A user and its groups as the two texts.
struct Numbers {
    core::Text user;
    core::Text group;

    bool operator==(const Numbers&) const = default;
};

Numbers numbers_of(const User& user) {
    std::string group = std::to_string(user.gid);
    for (const gid_t one : user.groups) group += "," + std::to_string(one);
    return {core::Text(std::to_string(user.uid)), core::Text(group)};
}

/// Returns the user that this process is.
User own_user() {
    const int count = ::getgroups(0, nullptr);
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(count, 0)));
    if (::getgroups(count, groups.data()) < 0) groups.clear();
    return {.uid = ::geteuid(), .gid = ::getegid(), .groups = std::move(groups)};
}

/// Returns the number at the front of a text, and cuts it off with the comma behind it.
id_t cut_number(std::string_view& text) {
    id_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    text.remove_prefix(std::min<std::size_t>(text.size(), 1));
    return number;
}

class Lookup {
  public:
    Lookup(core::Config& config, const FindUser& find, const FindUser& find_system)
        : config_(config), find_(find), find_system_(find_system) {}

    Result<Done> number() {
        const bool is_named = !config_.user.empty();
        const bool is_grouped = !config_.group.empty();
        const std::string user(config_.user);
        const std::string group(config_.group);
        Result<User> programs = own_user();
        if (is_named || is_grouped) programs = find_(user, group);
        if (!programs) return programs.error();
        Result<User> serving = *programs;
        if (!is_named) serving = user_without_rights(find_system_);
        const Numbers of_serving = numbers_of(*serving);
        const Numbers of_programs = numbers_of(*programs);
        for (core::Service& service : config_.services) {
            auto* exec = std::get_if<core::Exec>(&service.action);
            if (exec == nullptr) continue;
            const auto own = number_of(*exec, of_programs);
            if (!own) return own.error();
            const bool is_same = *own == of_serving;
            exec->user = is_same ? core::Text() : own->user;
            exec->group = is_same ? core::Text() : own->group;
        }
        config_.user = of_serving.user;
        config_.group = of_serving.group;
        return Done{};
    }

  private:
    /// Looks each user up once: a database may be far away, and services many.
    /// @param others  for a program without a user
    Result<Numbers> number_of(const core::Exec& exec, const Numbers& others) {
        if (exec.user.empty() && exec.group.empty()) return others;
        const core::Text& name = exec.user.empty() ? config_.user : exec.user;
        const std::pair key{std::string(name), std::string(exec.group)};
        if (const auto known = found_.find(key); known != found_.end()) return known->second;
        const auto user = find_(key.first, key.second);
        if (!user) return user.error();
        return found_.emplace(key, numbers_of(*user)).first->second;
    }

    core::Config& config_;
    std::map<std::pair<std::string, std::string>, Numbers> found_{};
    const FindUser& find_;
    const FindUser& find_system_;
};

void forget_users(core::Config& config) {
    config.user.clear();
    config.group.clear();
    for (core::Service& service : config.services) {
        auto* exec = std::get_if<core::Exec>(&service.action);
        if (exec == nullptr) continue;
        exec->user.clear();
        exec->group.clear();
    }
}

}  // namespace

Result<core::Config> with_user_numbers(core::Config config, const FindUser& find,
                                       const FindUser& find_system) {
    if (::geteuid() != 0) {
        forget_users(config);
        return config;
    }
    const auto numbered = Lookup(config, find, find_system).number();
    if (!numbered) return numbered.error();
    return config;
}

bool has_own_users(const core::Config& config) {
    return std::ranges::any_of(config.services, [](const core::Service& service) {
        const auto* exec = std::get_if<core::Exec>(&service.action);
        return exec != nullptr && !exec->user.empty();
    });
}

User user_of_numbers(std::string_view user, std::string_view group) {
    User found{.uid = cut_number(user), .gid = cut_number(group), .groups = {}};
    while (!group.empty()) found.groups.push_back(cut_number(group));
    return found;
}

User user_without_rights(const FindUser& find) {
    for (const std::string_view name : kWithoutRights) {
        if (auto user = find(std::string(name), {})) return *std::move(user);
    }
    return {.uid = 65534, .gid = 65534, .groups = {65534}};
}

}  // namespace portsplit::sys
