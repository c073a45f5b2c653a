#include "cli/cases.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "config/classic.h"
#include "config/escape.h"
#include "config/key_table.h"
#include "config/listeners.h"
#include "config/meant.h"
#include "config/never_meant.h"
#include "config/prefix.h"
#include "config/recording.h"
#include "config/spelling.h"
#include "config/value_list.h"
#include "config/wording.h"

namespace portsplit::cli {
namespace {

using config::Entry;
using config::Key;
using config::Problem;
using config::Type;

constexpr std::string_view kNoService = "-";

/// In the order of the enumerators of core::Reason.
constexpr std::array<std::string_view, 6> kReasons{"match", "fallback", "timeout",
                                                   "eof",   "denied",   "proxy"};

constexpr auto kKeys = std::to_array<Key>({
    {.name = "string", .takes = {.type = Type::Bytes, .repeatable = true}},
    {.name = "hex", .takes = {.type = Type::Hex, .repeatable = true}},
    {.name = "recording", .takes = {.type = Type::Path, .repeatable = true}},
    {.name = "end", .takes = {.type = Type::YesNo}},
    {.name = "listener", .takes = {.type = Type::Text}},
    {.name = "source", .takes = {.type = Type::Text}},
    {.name = "service", .takes = {.type = Type::Text}},
    {.name = "reason", .takes = {.type = Type::Word, .words = kReasons}},
    {.name = "certain", .takes = {.type = Type::Number, .largest = core::kLargestWindow}},
});

std::vector<std::string_view> names_of_keys() {
    std::vector<std::string_view> names;
    names.reserve(kKeys.size());
    for (const Key& key : kKeys) names.push_back(key.name);
    return names;
}

/// Reads the sections of one file.
class Reader {
  public:
    Reader(const std::string& file_name, const core::Config& config,
           const ReadRecording& read_recording, config::Issues& issues)
        : file_name_(file_name), config_(config), read_recording_(read_recording), issues_(issues) {
        for (const core::Service& service : config.services) services_.push_back(service.name);
        services_.push_back(kNoService);
    }

    std::vector<Case> read(const config::Document& document) {
        for (const Entry& entry : document.global.entries) {
            issues_.error(entry.spot, fmt::format("{}: outside of a case; move it below a [NAME]",
                                                  config::shown(entry.key)));
        }
        if (document.services.empty() && document.global.entries.empty()) {
            issues_.error(
                document.global.spot,
                "no case; write [NAME] and below it what the client sends, such as string "
                "= SSH-, and what is expected, such as service = ssh");
        }
        std::vector<Case> cases;
        for (const config::Section& section : document.services) {
            check_name(section);
            cases.push_back(read(section));
        }
        return cases;
    }

  private:
    void check_name(const config::Section& section) {
        const auto is_control = [](char c) {
            return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
        };
        if (section.name.empty()) {
            issues_.error(section.spot, "a case without a name; write [NAME]");
        } else if (std::any_of(section.name.begin(), section.name.end(), is_control)) {
            issues_.error(section.spot,
                          fmt::format("{}: a control character in the name; write printable text",
                                      config::shown(section.name)));
        } else if (const auto [first, is_new] = names_.emplace(section.name, section.spot);
                   !is_new) {
            issues_.error(section.spot,
                          fmt::format("case {} is {} already; give each case its own name",
                                      config::shown(section.name),
                                      config::where(first->second, section.spot, issues_.files())));
        }
    }

    Case read(const config::Section& section) {
        Case read{.name = section.name, .line = section.spot.line, .bytes = {}, .service = {}};
        std::map<std::string_view, config::Spot> given;
        for (const Entry& entry : section.entries) {
            const auto key = std::find_if(kKeys.begin(), kKeys.end(),
                                          [&](const Key& it) { return it.name == entry.key; });
            if (key == kKeys.end()) {
                report_unknown(entry);
                continue;
            }
            const auto [first, is_new] = given.emplace(key->name, entry.spot);
            if (is_new || key->takes.repeatable) {
                store(*key, entry.values.front(), read);
            } else {
                report(entry.values.front(), *key,
                       fmt::format("set {} already; keep one of the two",
                                   config::where(first->second, entry.spot, issues_.files())));
            }
        }
        if (!given.contains("service")) {
            issues_.error(
                section.spot,
                fmt::format("case {} has no service; write which one is expected, such as "
                            "service = {}",
                            config::shown(section.name), services_.front()));
        }
        return read;
    }

    void report_unknown(const Entry& entry) {
        const auto known = names_of_keys();
        const auto meant = config::nearest(entry.key, known);
        issues_.error(entry.spot,
                      meant ? fmt::format("unknown key {}; did you mean {}?",
                                          config::shown(entry.key), *meant)
                            : fmt::format("unknown key {}; the keys of a case are {}",
                                          config::shown(entry.key), config::alternatives(known)));
    }

    void store(const Key& key, const config::Value& value, Case& read) {
        if (key.takes.type == Type::Bytes) warn_of_habits(key, value);
        using Text = std::string_view;
        if (key.name == "string") {
            read.bytes += unescaped(key, value);
        } else if (key.name == "hex") {
            read.bytes += parsed<std::string>(key, value, config::bytes_of_hex).value_or("");
        } else if (key.name == "recording") {
            const auto parse = [&](Text path) {
                return read_recording_(config::path_from(file_name_, path));
            };
            read.bytes += parsed<std::string>(key, value, parse).value_or("");
        } else if (key.name == "end") {
            const auto parse = [&](Text text) { return config::parse<bool>(key, text); };
            const bool ends = parsed<bool>(key, value, parse).value_or(false);
            read.ending = ends ? core::Ending::Eof : core::Ending::Deadline;
        } else if (key.name == "listener") {
            const auto parse = [&](Text name) { return listener_named(name); };
            read.entrance.listener = parsed<std::size_t>(key, value, parse).value_or(0);
        } else if (key.name == "source") {
            read.entrance.source =
                parsed<core::Source>(key, value, config::read_source).value_or(core::Source());
        } else if (key.name == "service") {
            const auto parse = [&](Text name) { return service_named(name); };
            read.service = parsed<std::string>(key, value, parse).value_or("");
        } else if (key.name == "reason") {
            const auto parse = [&](Text text) { return config::parse_word(key, text); };
            const auto word = parsed<std::size_t>(key, value, parse);
            if (word) read.reason = core::Reason(*word);
        } else {
            const auto parse = [&](Text text) { return config::parse<std::size_t>(key, text); };
            read.certain = parsed<std::size_t>(key, value, parse);
        }
    }

    void warn_of_habits(const Key& key, const config::Value& value) {
        for (config::Suspicion& suspicion : config::suspicions_of(key, value)) {
            issues_.warning(value.spot, std::move(suspicion.text), suspicion.name);
        }
    }

    /// Reads a value. Reports what is wrong with it, and returns nothing then.
    template <typename T, typename Parse>
    std::optional<T> parsed(const Key& key, const config::Value& value, const Parse& parse) {
        core::Result<T, Problem> read = parse(value.text);
        if (read) return *std::move(read);
        const std::string rule = config::broken_rule(
            key.name, value.text, [&](const std::string& meant) { return bool(parse(meant)); });
        report(value, key, rule.empty() ? read.error().text : rule);
        return std::nullopt;
    }

    std::string unescaped(const Key& key, const config::Value& value) {
        config::Unescaped bytes = config::unescape(value.text);
        if (!bytes.stray.empty()) {
            issues_.warning(value.spot,
                            fmt::format("{}: {}", config::as_written(key.name, value),
                                        config::warning_of_stray(bytes.stray)),
                            "backslash");
        }
        return std::move(bytes.bytes);
    }

    core::Result<std::string, Problem> service_named(std::string_view name) const {
        if (std::find(services_.begin(), services_.end(), name) != services_.end()) {
            return std::string(name);
        }
        if (name == core::kFallback || name == core::kTimeout) {
            return Problem{
                fmt::format("the configuration has no [{}]; write service = {} for a "
                            "connection that is closed",
                            name, kNoService)};
        }
        const auto meant = config::nearest(name, services_);
        return Problem{fmt::format(
            "the configuration has no such service; {}",
            meant ? fmt::format("did you mean {}?", *meant)
                  : fmt::format("write {}", config::shown(config::alternatives(services_))))};
    }

    /// Returns the index of a listener in core::listeners_of.
    core::Result<std::size_t, Problem> listener_named(std::string_view name) const {
        if (const auto found = core::find_listener(config_, name)) return *found;
        return Problem{config::no_such_listener(config_)};
    }

    void report(const config::Value& value, const Key& key, std::string_view problem) {
        issues_.error(value.spot,
                      fmt::format("{}: {}", config::as_written(key.name, value), problem));
    }

    const std::string& file_name_;
    const core::Config& config_;
    const ReadRecording& read_recording_;
    config::Issues& issues_;
    std::vector<std::string_view> services_;     ///< what a case may expect
    std::map<std::string, config::Spot> names_;  ///< of the cases so far
};

}  // namespace

Cases read_cases(std::string_view text, const std::string& file_name, const core::Config& config,
                 const ReadRecording& read_recording) {
    Cases read;
    config::Issues issues;
    const config::FileIssues of_file = issues.add_file(file_name, text);
    if (const auto cleaned = config::clean(text, of_file)) {
        const auto document = config::read_classic(*cleaned, of_file, config::Sections::Named);
        read.cases = Reader(file_name, config, read_recording, issues).read(document);
    }
    if (issues.has_errors()) read.cases.clear();
    read.issues = issues.sorted();
    return read;
}

bool is_file_of_cases(std::string_view text) {
    config::Issues unused;
    const auto document =
        config::read_classic(text, unused.add_file("", text), config::Sections::Named);
    const auto is_case = [](const config::Section& section) {
        const auto has = [&](std::string_view key) {
            return std::ranges::find(section.entries, key, &Entry::key) != section.entries.end();
        };
        return has("service") && !has("exec") && !has("connect");
    };
    return !document.services.empty() && std::ranges::all_of(document.services, is_case);
}

}  // namespace portsplit::cli
