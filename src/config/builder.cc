#include "config/builder.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/client_lists.h"
#include "config/key_table.h"
#include "config/layouts.h"
#include "config/limits.h"
#include "config/listeners.h"
#include "config/passing.h"
#include "config/section.h"
#include "config/value.h"
#include "config/wording.h"

namespace portsplit::config {
namespace {

/// Reads and checks each section by itself, then checks the sections against each other.
class Builder {
  public:
    Builder(const Document& document, Need need, Issues& issues)
        : document_(document), need_(need), issues_(issues) {}

    Built build() {
        build_global();
        built_.config.services.reserve(document_.services.size());
        built_.origins.services.reserve(document_.services.size());
        for (const Section& section : document_.services) build_service(section);
        add_layouts();
        check_names();
        check_penalties(document_, issues_);
        listeners_.check();
        check_loops();
        return std::move(built_);
    }

  private:
    void build_global() {
        Origin& origin = built_.origins.global;
        origin = read_global(document_.global, built_.config, issues_);
        check_log(built_.config.log, origin, {}, issues_);
        listeners_.read();
    }

    void build_service(const Section& section) {
        ServiceDraft draft;
        draft.service.name = section.name;
        Origin origin = read_service(section, draft, issues_);
        check_patterns(draft, section, origin);
        check_env(draft.exec.env, origin, section.name, issues_);
        if (origin.has("connect")) check_proxy(draft.connect, origin, section.name, issues_);
        check_action(section, origin);
        if (origin.has("connect")) {
            draft.service.action = std::move(draft.connect);
        } else {
            draft.service.action = std::move(draft.exec);
        }
        check_limits(draft.service, section, origin);
        check_log(draft.service.log, origin, section.name, issues_);
        check_lists({kFrom, draft.service.from, origin}, {kNotFrom, draft.service.not_from, origin},
                    issues_);
        asked_.push_back(std::move(draft.asked));
        built_.config.services.push_back(std::move(draft.service));
        built_.origins.services.push_back(std::move(origin));
    }

    void add_layouts() {
        LayoutsReader reader(document_.layouts, built_.config, issues_);
        for (std::size_t s = 0; s < asked_.size(); ++s) {
            reader.add(asked_[s], built_.config.services[s], built_.origins.services[s]);
        }
        check_passed(reader, document_.global);
        for (const Section& section : document_.services) check_passed(reader, section);
    }

    static void check_passed(LayoutsReader& reader, const Section& section) {
        for (const Entry& entry : section.entries) {
            for (const Value& value : entry.values) {
                reader.check_passed(entry.key, value, section.name);
            }
        }
    }

    void check_patterns(const ServiceDraft& draft, const Section& section, const Origin& origin) {
        if (draft.service.is_last_resort()) {
            std::vector<Spot> patterns = origin.patterns;
            for (const Asked& asked : draft.asked) patterns.push_back(asked.value.spot);
            for (const Spot pattern : patterns) {
                issues_.error(pattern,
                              fmt::format("service {}{} has no patterns: it takes the connections "
                                          "that no pattern decides; delete this one",
                                          section.name, elsewhere(section.spot, pattern)));
            }
        } else if (origin.patterns.empty() && draft.asked.empty() && !section.has_gap &&
                   !draft.has_gap && !listeners_.is_last_resort(section.name)) {
            issues_.error(origin.spot, fmt::format("service {} has no pattern; {}",
                                                   shown(section.name), pattern_advice(section)));
        } else if (const auto meant = last_resort_in_other_case(section.name)) {
            issues_.warning(
                origin.spot,
                fmt::format(
                    "service {}: a service like any other: names are case-sensitive, and "
                    "only {} takes clients that {}",
                    section.name, header(*meant, section),
                    *meant == core::kFallback ? "match nothing" : "are undecided at the deadline"),
                "case", section.name);
        }
    }

    /// Returns `fallback` or `timeout` if a name differs from it in nothing but case.
    static std::optional<std::string_view> last_resort_in_other_case(std::string_view name) {
        for (const std::string_view last_resort : {core::kFallback, core::kTimeout}) {
            if (same_but_for_case(name, last_resort)) return last_resort;
        }
        return std::nullopt;
    }

    /// Returns what to write in a service without a pattern. A name near a last resort's is a mistake.
    static std::string pattern_advice(const Section& section) {
        if (const auto meant = last_resort_in_other_case(section.name)) {
            return fmt::format("did you mean {}? names are case-sensitive",
                               header(*meant, section));
        }
        // HAProxy, nginx and others call it default.
        const bool is_default = nearest(section.name, {"default"}).has_value();
        const std::optional<std::string_view> meant =
            is_default ? core::kFallback : nearest(section.name, {core::kFallback, core::kTimeout});
        if (meant) return fmt::format("did you mean {}?", header(*meant, section));
        return fmt::format("write the bytes that its streams begin with, such as string = {}",
                           quoted("SSH-", section));
    }

    /// Returns a service's name as a section begins with it.
    static std::string header(std::string_view name, const Section& section) {
        return section.spelling == Spelling::Libconfig ? std::string(name)
                                                       : fmt::format("[{}]", name);
    }

    void check_action(const Section& section, const Origin& origin) {
        const bool execs = origin.has("exec");
        const bool connects = origin.has("connect");
        if (!execs && !connects && !section.has_gap) {
            issues_.error(origin.spot,
                          fmt::format("service {} has no action; write connect = {} or exec = {}",
                                      shown(section.name), quoted("HOST:PORT", section),
                                      quoted("PROGRAM", section)));
        } else if (execs && connects) {
            const Spot message = std::max(origin.of("exec"), origin.of("connect"));
            issues_.error(message,
                          fmt::format("service {} has two actions, connect {} and exec {}; keep "
                                      "one of the two",
                                      shown(section.name), where(origin.of("connect"), message),
                                      where(origin.of("exec"), message)));
        } else if (connects) {
            check_keys_of_action(section, origin, Place::Exec, "exec", "connect");
        } else if (execs) {
            check_keys_of_action(section, origin, Place::Connect, "connect", "exec");
        }
    }

    /// Reports limits on a relay where there is none: the program has the client's socket itself.
    void check_limits(const core::Service& service, const Section& section, const Origin& origin) {
        const auto* exec = std::get_if<core::Exec>(&service.action);
        if (exec == nullptr || exec->stdio != core::Stdio::Socket || !origin.has("exec")) return;
        for (const std::string_view key : {"half-closed", "idle"}) {
            if (!origin.has(key)) continue;
            issues_.error(origin.of(key),
                          fmt::format("{}: only for a relay, and the program of service {} has the "
                                      "client's socket; write stdio = {}, or delete {}",
                                      key, shown(section.name), quoted("pipe", section), key));
        }
    }

    /// Reports the keys of the other action than the one that a service has.
    /// @param place, wanted  of the other action
    /// @param has  the action of the service
    void check_keys_of_action(const Section& section, const Origin& origin, Place place,
                              std::string_view wanted, std::string_view has) {
        for (const Key& key : keys()) {
            if (key.takes.place != place || !origin.has(key.name)) continue;
            const Spot message = origin.of(key.name);
            issues_.error(
                message,
                fmt::format("{}: only for {}, and service {} has {} {}; delete it", key.name,
                            wanted, shown(section.name), has, where(origin.of(has), message)));
        }
    }

    void check_names() {
        const auto& services = built_.config.services;
        if (services.empty() && !document_.global.has_gap && need_ != Need::Global) {
            issues_.error({}, document_.global.spelling == Spelling::Classic
                                  ? "no service; write a [NAME] line and below it what it does"
                                  : "no service; write services : { NAME : { ... }; };");
        }
        if (services.size() > kMostServices) {
            issues_.error(built_.origins.services[kMostServices].spot,
                          fmt::format("{} services; at most {} are possible", services.size(),
                                      kMostServices));
        }
        SectionNames names("service", issues_);
        for (std::size_t i = 0; i < services.size(); ++i) {
            names.add(services[i].name, built_.origins.services[i].spot);
        }
    }

    void check_loops() {
        const auto& services = built_.config.services;
        for (std::size_t s = 0; s < services.size(); ++s) {
            const auto* connect = std::get_if<core::Connect>(&services[s].action);
            if (connect == nullptr) continue;
            for (std::size_t t = 0; t < connect->targets.size(); ++t) {
                check_loop(connect->targets[t], built_.origins.services[s].of("connect", t),
                           document_.services[s]);
            }
        }
    }

    void check_loop(const core::Endpoint& target, Spot message, const Section& section) {
        const Value* reached = listeners_.reached_by(target);
        if (reached == nullptr) return;
        issues_.error(message,
                      fmt::format("connect = {}: leads back to {} {}, without end; "
                                  "write the port of another program",
                                  quoted(core::to_string(target), section),
                                  as_written("bind", *reached), where(reached->spot, message)));
    }

    std::string where(Spot spot, Spot message) const {
        return config::where(spot, message, issues_.files());
    }

    /// Returns ` at FILE:LINE` for a spot in another file than the message, else nothing.
    std::string elsewhere(Spot spot, Spot message) const {
        return spot.file == message.file ? "" : fmt::format(" {}", where(spot, message));
    }

    const Document& document_;
    Need need_;
    Issues& issues_;
    Built built_;
    std::vector<std::vector<Asked>> asked_;  ///< of layouts, by service
    ListenersReader listeners_{document_, need_, built_.config, built_.origins, issues_};
};

}  // namespace

Built build(const Document& document, Need need, Issues& issues) {
    return Builder(document, need, issues).build();
}

}  // namespace portsplit::config
