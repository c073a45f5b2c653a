#include "daemon/facts.h"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "config/packed.h"

namespace portsplit::daemon {
namespace {

/// Before the groups of the user and the packed configuration without its services.
struct Head {
    std::uint32_t has_user = 0;  ///< 0 or 1; a number, since any bytes may come
    uid_t uid = 0;
    gid_t gid = 0;
    std::size_t groups = 0;
};

}  // namespace

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
        head = {1, user->uid, user->gid, user->groups.size()};
        groups.assign(reinterpret_cast<const char*>(user->groups.data()),
                      user->groups.size() * sizeof(gid_t));
    }
    config.services.clear();
    std::string facts(reinterpret_cast<const char*>(&head), sizeof head);
    return facts + groups + config::pack(config);
}

std::optional<Facts> unpack_facts(std::string_view bytes) {
    Head head;
    if (bytes.size() < sizeof head) return std::nullopt;
    std::memcpy(&head, bytes.data(), sizeof head);
    bytes.remove_prefix(sizeof head);
    if (head.groups > bytes.size() / sizeof(gid_t)) return std::nullopt;
    const std::string_view groups = bytes.substr(0, head.groups * sizeof(gid_t));
    bytes.remove_prefix(groups.size());
    auto config = config::unpack(bytes, config::Need::Global);
    if (!config) return std::nullopt;
    Facts facts{*std::move(config), std::nullopt};
    if (head.has_user != 0) {
        facts.user = sys::User{head.uid, head.gid, std::vector<gid_t>(head.groups)};
        // memcpy(3) allows no null pointer, which an empty vector may have.
        if (!groups.empty()) {
            std::memcpy(facts.user->groups.data(), groups.data(), groups.size());
        }
    }
    return facts;
}

}  // namespace portsplit::daemon
