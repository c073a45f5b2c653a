#include "config/builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "config/address.h"
#include "config/option_table.h"
#include "config/section_reader.h"
#include "config/values.h"
#include "config/wording.h"

namespace portsplit::config {
namespace {

/// Reads the sections and checks each by itself; then `check_together` sees the whole.
class Builder {
  public:
    Builder(const Document& document, Need need, Issues& issues)
        : document_(document), need_(need), issues_(issues) {}

    Built build() {
        built_.origins.file = issues_.file();
        build_global();
        for (const Section& section : document_.services) build_service(section);
        check_names();
        check_listeners();
        check_loops();
        return std::move(built_);
    }

  private:
    void build_global() {
        Draft draft{built_.config, {}, {}, {}};
        Origin& origin = built_.origins.global;
        origin = read_section(document_.global, Place::Global, document_.spelling, draft, issues_);
        if (need_ == Need::Listeners && !origin.has("bind")) {
            issues_.error(1, "no bind; write where to listen, such as bind = " + quoted("*:443"));
        }
        if (built_.config.timeout.count() == 0) {
            issues_.warning(origin.of("timeout"),
                            "timeout = 0: a client that sends nothing is waited for without end; "
                            "write a number of seconds such as 5");
        }
    }

    void build_service(const Section& section) {
        Draft draft{built_.config, {}, {}, {}};
        draft.service.name = section.name;
        const Origin origin =
            read_section(section, Place::Service, document_.spelling, draft, issues_);
        check_patterns(draft.service, origin);
        check_action(draft.service, origin);
        if (origin.has("connect")) {
            draft.service.action = std::move(draft.connect);
        } else {
            draft.service.action = std::move(draft.exec);
        }
        built_.config.services.push_back(std::move(draft.service));
        built_.origins.services.push_back(origin);
    }

    void check_patterns(const core::Service& service, const Origin& origin) {
        if (service.is_last_resort()) {
            for (const int line : origin.patterns) {
                issues_.error(line, fmt::format("service {} takes no pattern, for it is what "
                                                "remains; delete this one",
                                                service.name));
            }
        } else if (origin.patterns.empty()) {
            issues_.error(origin.line,
                          fmt::format("service {} has no pattern; write the bytes that its streams "
                                      "begin with, such as string = {}",
                                      shown(service.name), quoted("SSH-")));
        }
    }

    void check_action(const core::Service& service, const Origin& origin) {
        const bool execs = origin.has("exec");
        const bool connects = origin.has("connect");
        if (!execs && !connects) {
            issues_.error(origin.line,
                          fmt::format("service {} has no action; write connect = {} or exec = {}",
                                      shown(service.name), quoted("HOST:PORT"), quoted("PROGRAM")));
        } else if (execs && connects) {
            issues_.error(
                std::max(origin.of("exec"), origin.of("connect")),
                fmt::format("service {} has two actions, connect on line {} and exec on "
                            "line {}; keep one of the two",
                            shown(service.name), origin.of("connect"), origin.of("exec")));
        } else if (connects) {
            check_no_exec_words(service, origin);
        }
    }

    void check_no_exec_words(const core::Service& service, const Origin& origin) {
        for (const Option& option : options()) {
            if (!describes_exec(option) || !origin.has(option.key)) continue;
            issues_.error(origin.of(option.key),
                          fmt::format("{}: only for exec, and service {} has connect on line {}; "
                                      "delete it",
                                      option.key, shown(service.name), origin.of("connect")));
        }
    }

    void check_names() {
        const auto& services = built_.config.services;
        if (services.empty() && document_.services.empty()) {
            issues_.error(1, document_.spelling == Spelling::Classic
                                 ? "no service; write a [NAME] line and below it what it does"
                                 : "no service; write services : { NAME : { ... }; };");
        }
        if (services.size() > kMostServices) {
            issues_.error(built_.origins.services[kMostServices].line,
                          fmt::format("{} services; at most {} are possible", services.size(),
                                      kMostServices));
        }
        std::unordered_map<std::string_view, int> first_lines;
        for (std::size_t i = 0; i < services.size(); ++i) {
            const int line = built_.origins.services[i].line;
            const std::string& name = services[i].name;
            if (const std::string why = why_no_service_name(name); !why.empty()) {
                issues_.error(line, fmt::format("service {}: {}", shown(name), why));
            } else if (const auto [first, fresh] = first_lines.try_emplace(name, line); !fresh) {
                issues_.error(line, fmt::format("service {} stands on line {} already; write one "
                                                "service, or choose another name",
                                                name, first->second));
            }
        }
    }

    void check_listeners() {
        const auto& bind = built_.config.bind;
        for (std::size_t later = 1; later < bind.size(); ++later) {
            for (std::size_t earlier = 0; earlier < later; ++earlier) {
                if (!collide(bind[later], bind[earlier])) continue;
                issues_.error(
                    line_of_bind(later),
                    fmt::format("bind = {}: taken by bind = {} on line {}; delete one of "
                                "the two",
                                quoted(core::to_string(bind[later])),
                                quoted(core::to_string(bind[earlier])), line_of_bind(earlier)));
                break;
            }
        }
    }

    void check_loops() {
        const auto& services = built_.config.services;
        for (std::size_t s = 0; s < services.size(); ++s) {
            const auto* connect = std::get_if<core::Connect>(&services[s].action);
            if (connect == nullptr) continue;
            for (std::size_t t = 0; t < connect->targets.size(); ++t) {
                check_loop(connect->targets[t], built_.origins.services[s].of("connect", t));
            }
        }
    }

    void check_loop(const core::Endpoint& target, int line) {
        const auto& bind = built_.config.bind;
        for (std::size_t b = 0; b < bind.size(); ++b) {
            if (!leads_back(target, bind[b])) continue;
            issues_.error(line, fmt::format("connect = {}: leads back to bind = {} on line {}, "
                                            "without end; write the port of another program",
                                            quoted(core::to_string(target)),
                                            quoted(core::to_string(bind[b])), line_of_bind(b)));
            return;
        }
    }

    int line_of_bind(std::size_t index) const { return built_.origins.global.of("bind", index); }

    /// A string as it would stand in the file.
    std::string quoted(std::string_view text) const {
        const char* quote = document_.spelling == Spelling::Libconfig ? "\"" : "";
        return fmt::format("{1}{0}{1}", text, quote);
    }

    const Document& document_;
    Need need_;
    Issues& issues_;
    Built built_;
};

}  // namespace

Built build(const Document& document, Need need, Issues& issues) {
    return Builder(document, need, issues).build();
}

}  // namespace portsplit::config
