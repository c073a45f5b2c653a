#include "config/load.h"

#include <fmt/core.h>

#include <cstddef>
#include <map>
#include <utility>
#include <variant>

#include "config/foreign.h"
#include "config/wording.h"

namespace portsplit::config {
namespace {

using Looked = Owners<const core::Config, const core::Listener, const core::Service>;

/// Returns the text of a field; null if it is no text, or in the other action of the service.
class TextOf {
  public:
    explicit TextOf(const Looked& owners) : owners_(owners) {}

    template <typename Owner>
    const core::Text* operator()(core::Text Owner::*field) const {
        const Owner* owner = owner_in<Owner>(owners_);
        return owner == nullptr ? nullptr : &(owner->*field);
    }
    template <typename Field>
    const core::Text* operator()(const Field&) const {
        return nullptr;
    }

  private:
    const Looked& owners_;
};

bool is_outside(Type type) {
    return type == Type::Program || type == Type::Folder || type == Type::UserName ||
           type == Type::GroupName;
}

std::vector<const Key*> outside_keys(Place section) {
    std::vector<const Key*> found;
    for (const Key& key : keys()) {
        if (is_outside(key.takes.type) && stands_in(key, section)) found.push_back(&key);
    }
    return found;
}

constexpr std::string_view kBind = "bind";

/// Appends the owners of the socket that a bind makes.
void add_owners(const core::Endpoint& bind, Spot spot, std::vector<Outside>& found) {
    if (!bind.is_unix()) return;
    const core::UnixSocket socket = core::unix_socket(bind);
    const std::string written = fmt::format("bind = {}", core::to_string(bind));
    if (!socket.user.empty()) {
        found.push_back({find_key("user"), std::string(socket.user), spot, written});
    }
    if (!socket.group.empty()) {
        found.push_back({find_key("group"), std::string(socket.group), spot, written});
    }
}

/// Appends the owners of the sockets that all binds make.
void add_owners(const core::Config& config, const Origins& origins, std::vector<Outside>& found) {
    for (std::size_t i = 0; i < config.top.bind.size(); ++i) {
        add_owners(config.top.bind[i], origins.global.of(kBind, i), found);
    }
    for (std::size_t l = 0; l < config.listeners.size(); ++l) {
        const core::List<core::Endpoint>& binds = config.listeners[l].bind;
        const Origin& origin = origins.listeners[l];
        // A section for main has those above the services in front.
        const std::size_t inherited = binds.size() - std::min(binds.size(), origin.count(kBind));
        for (std::size_t i = 0; i < binds.size(); ++i) {
            const Spot spot =
                i < inherited ? origins.global.of(kBind, i) : origin.of(kBind, i - inherited);
            add_owners(binds[i], spot, found);
        }
    }
}

/// Lists the programs, folders, users and groups of a model, complete or not.
std::vector<Outside> find_outside(const core::Config& config, const Origins& origins) {
    std::vector<Outside> found;
    const auto add = [&](const Key& key, const core::Service* service, const Origin& origin) {
        const Looked owners{&config, &config.top, service};
        const core::Text* name = std::visit(TextOf(owners), *key.takes.field);
        if (name == nullptr || name->empty()) return;
        found.push_back({&key, std::string(*name), origin.of(key.name)});
    };
    for (const Key* key : outside_keys(Place::Global)) add(*key, nullptr, origins.global);
    const std::vector<const Key*> of_services = outside_keys(Place::Service);
    for (std::size_t s = 0; s < config.services.size(); ++s) {
        for (const Key* key : of_services) add(*key, &config.services[s], origins.services[s]);
    }
    add_owners(config, origins, found);
    return found;
}

std::string why_not_executable(const Outside& program, const Surroundings& surroundings) {
    if (!surroundings.why_not_executable) return {};
    const std::string why = surroundings.why_not_executable(program.name);
    if (why.empty()) return {};
    // The usual cause of a blank: a whole command line.
    const bool has_blank = program.name.find(' ') != std::string::npos;
    return fmt::format("{} = {}: {}; name an executable program{}", program.key->name,
                       shown(program.name), why,
                       has_blank ? " (its arguments go into execarg, one in each)" : "");
}

/// Returns what is wrong with a name; empty if nothing is.
std::string why_missing(const Outside& outside, const Surroundings& surroundings) {
    if (outside.key->takes.type == Type::Program) return why_not_executable(outside, surroundings);
    if (outside.key->takes.type == Type::Folder) {
        if (!surroundings.why_no_folder) return {};
        const std::string why = surroundings.why_no_folder(outside.name);
        if (why.empty()) return {};
        return fmt::format("{} = {}: {}; create it or name another", outside.key->name,
                           outside.name, why);
    }
    const bool is_user = outside.key->takes.type == Type::UserName;
    const auto& exists = is_user ? surroundings.user_exists : surroundings.group_exists;
    if (!exists || exists(outside.name)) return {};
    const char* what = is_user ? "user" : "group";
    if (!outside.bind.empty()) {
        return fmt::format("{}: no such {} {}; create it or name another", outside.bind, what,
                           outside.name);
    }
    return fmt::format("{} = {}: no such {}; create it or name another", outside.key->name,
                       outside.name, what);
}

/// Replaces the issues of each file that belongs to another program by one error. Errors in such a file
/// are many, and none of them is the cause.
/// @param text  of FILE itself; the others are read again
std::vector<Issue> without_foreign(const std::vector<Issue>& issues, std::string_view text,
                                   const Files& files) {
    std::map<int, std::string> whys;  ///< by file; empty for one of Portsplit's own
    for (const Issue& issue : issues) {
        if (issue.severity != Severity::Error || whys.contains(issue.spot.file)) continue;
        std::string& why = whys[issue.spot.file];
        if (issue.spot.file == 0) {
            why = why_foreign(text);
        } else if (const auto included = files.read(issue.file)) {
            why = why_foreign(*included);
        }
    }
    std::vector<Issue> kept;
    for (const Issue& issue : issues) {
        const auto why = whys.find(issue.spot.file);
        if (why == whys.end() || why->second.empty()) {
            kept.push_back(issue);
        } else if (kept.empty() || kept.back().spot.file != issue.spot.file) {
            kept.push_back({.spot = {issue.spot.file, 1}, .file = issue.file, .text = why->second});
        }
    }
    return kept;
}

}  // namespace

Loaded read(std::string_view text, const std::string& file_name, Need need, const Files& files) {
    Loaded loaded;
    Issues issues;
    if (const auto document = read_with_includes(text, file_name, files, issues)) {
        loaded.spelling = document->global.spelling;
        Built built = build(*document, need, issues);
        loaded.origins = std::move(built.origins);
        loaded.outside = find_outside(built.config, loaded.origins);
        if (!issues.has_errors()) loaded.config = std::move(built.config);
    }
    loaded.origins.files = issues.files();
    loaded.issues =
        issues.has_errors() ? without_foreign(issues.sorted(), text, files) : issues.sorted();
    return loaded;
}

std::vector<Issue> check_surroundings(const Loaded& loaded, const Surroundings& surroundings) {
    std::vector<Issue> found;
    for (const Outside& outside : loaded.outside) {
        std::string why = why_missing(outside, surroundings);
        if (why.empty()) continue;
        found.push_back(loaded.origins.issue(Severity::Error, outside.spot, std::move(why)));
    }
    sort_by_spot(found);
    return found;
}

}  // namespace portsplit::config
