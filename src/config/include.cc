#include "config/include.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "config/classic.h"
#include "config/key_table.h"
#include "config/layout_library.h"
#include "config/libconfig.h"
#include "config/meant.h"
#include "config/protocol.h"
#include "config/spelling.h"
#include "config/value.h"
#include "config/value_list.h"
#include "config/wording.h"

namespace portsplit::config {
namespace {

constexpr std::string_view kSuffix = ".conf";

std::optional<Document> read_alone(std::string_view text, FileIssues issues) {
    const std::optional<std::string> cleaned = clean(text, issues);
    if (!cleaned) return std::nullopt;
    if (detect_spelling(*cleaned) == Spelling::Classic) return read_classic(*cleaned, issues);
    return read_libconfig(*cleaned, issues);
}

bool is_of_library(std::string_view name) { return name.find('/') == name.npos; }

/// Returns the path of an include: NAME in the library, or a path.
std::string resolve(std::string_view name, std::string_view including, std::string_view library) {
    if (is_of_library(name)) return fmt::format("{}/{}{}", library, name, kSuffix);
    return path_from(including, name);
}

class Includer {
  public:
    Includer(const Files& files, Issues& issues) : files_(files), issues_(issues) {}

    /// A file with all that it includes.
    struct Whole {
        Document document;
        std::size_t bytes = 0;  ///< of all texts
    };

    std::optional<Whole> read(std::string_view text, const std::string& path) {
        std::optional<Document> document = read_alone(text, issues_.add_file(path, text));
        if (!document) return std::nullopt;
        open_.push_back({path, 1, text.size()});
        expand_lists(document->global, path, open_.back().bytes, files_, issues_);
        for (auto* sections : {&document->listeners, &document->services}) {
            for (Section& section : *sections) {
                expand_lists(section, path, open_.back().bytes, files_, issues_);
            }
        }
        expand(*document);
        const std::size_t bytes = open_.back().bytes;
        open_.pop_back();
        return Whole{*std::move(document), bytes};
    }

  private:
    /// A file that is being read because the one before it includes it.
    struct Open {
        std::string path;
        int line = 1;           ///< of the include that is being followed
        std::size_t bytes = 0;  ///< of its text and of what it has included so far
    };

    void expand(Document& document) {
        std::vector<Section> services = std::exchange(document.services, {});
        document.services.reserve(services.size());
        auto next = services.begin();
        const auto take_services = [&](std::vector<Section>::iterator end) {
            for (; next < end; ++next) {
                expand(*next);
                document.services.push_back(std::move(*next));
            }
        };
        for (Entry& entry : std::exchange(document.global.entries, {})) {
            if (entry.key != kInclude) {
                document.global.entries.push_back(std::move(entry));
                continue;
            }
            take_services(services.begin() + static_cast<std::ptrdiff_t>(entry.services_above));
            for (const Value& value : entry.values) include_at_top(value, document);
        }
        take_services(services.end());
    }

    void expand(Section& service) {
        const auto is_include = [](const Entry& entry) { return entry.key == kInclude; };
        if (std::none_of(service.entries.begin(), service.entries.end(), is_include)) return;
        for (Entry& entry : std::exchange(service.entries, {})) {
            if (entry.key != kInclude) {
                service.entries.push_back(std::move(entry));
                continue;
            }
            for (const Value& value : entry.values) include_in_service(value, service);
        }
    }

    void include_at_top(const Value& value, Document& document) {
        const Document* included = follow(value);
        document.global.has_gap |= included == nullptr || included->global.has_gap;
        if (included == nullptr) return;
        append(included->global.entries, document.global.entries);
        append(included->listeners, document.listeners);
        append(included->layouts, document.layouts);
        append(included->services, document.services);
    }

    void include_in_service(const Value& value, Section& service) {
        const Document* included = follow(value);
        if (included == nullptr || included->global.has_gap) {
            service.has_gap = true;
        } else if (const std::string why = why_no_service(*included, value.spot); !why.empty()) {
            refuse(value, why);
            service.has_gap = true;
        } else {
            append(included->services.front().entries, service.entries);
            service.has_gap |= included->services.front().has_gap;
        }
    }

    /// Returns why a file is not exactly one service; empty if it is.
    std::string why_no_service(const Document& included, Spot message) const {
        constexpr const char* kWanted = "a file for a service holds one service and nothing else";
        const auto at = [&](Spot spot) { return where(spot, message, issues_.files()); };
        if (!included.global.entries.empty()) {
            const Entry& entry = included.global.entries.front();
            return fmt::format("{} {} is outside of a service; {}", shown(entry.key),
                               at(entry.spot), kWanted);
        }
        if (!included.listeners.empty()) {
            const Section& listener = included.listeners.front();
            return fmt::format("listener {} {} is outside of a service; {}", shown(listener.name),
                               at(listener.spot), kWanted);
        }
        if (included.services.empty()) return fmt::format("no service in it; {}", kWanted);
        if (included.services.size() == 1) return {};
        const Section& first = included.services[0];
        const Section& second = included.services[1];
        return fmt::format("more than one service, {} {} and {} {}; {}", shown(first.name),
                           at(first.spot), shown(second.name), at(second.spot), kWanted);
    }

    /// Returns the file that an include names; null after an error.
    const Document* follow(const Value& value) {
        const std::optional<std::string> path = path_of(value);
        if (!path) return nullptr;
        open_.back().line = value.spot.line;
        const Whole* whole = find(*path, value);
        if (whole == nullptr) return nullptr;
        std::size_t& bytes = open_.back().bytes;
        if (whole->bytes > kLargestWhole - std::min(bytes, kLargestWhole)) {
            refuse(value,
                   fmt::format("the configuration has more than {0} bytes with it; at most {0} "
                               "are possible",
                               kLargestWhole));
            return nullptr;
        }
        bytes += whole->bytes;
        return &whole->document;
    }

    std::optional<std::string> path_of(const Value& value) {
        const Key& key = *find_key(kInclude);
        if (!files_.read) {
            refuse(value, "no file can be included here");
        } else if (const std::string why = why_unfit(key, value.kind); !why.empty()) {
            refuse(value, why);
        } else if (const auto name = parse<core::Text>(key, value.text); !name) {
            refuse(value, name.error().text);
        } else {
            return resolve(*name, open_.back().path, files_.library);
        }
        return std::nullopt;
    }

    /// Returns a file, which is read when it is included for the first time; null after an error.
    const Whole* find(const std::string& path, const Value& value) {
        if (const auto known = known_.find(path); known != known_.end()) return &known->second;
        if (const std::string why = why_not_followed(path); !why.empty()) {
            refuse(value, why);
            return nullptr;
        }
        const auto text = files_.read(path);
        if (!text) {
            refuse(value, fmt::format("{}{}", text.error().why, hint(value)));
            return nullptr;
        }
        // A file that cannot be parsed is reported once, and leaves a gap at each of its includes.
        Whole unreadable;
        unreadable.document.global.has_gap = true;
        return &known_.emplace(path, read(*text, path).value_or(unreadable)).first->second;
    }

    std::string why_not_followed(const std::string& path) const {
        const auto round = std::find_if(open_.begin(), open_.end(),
                                        [&](const Open& open) { return open.path == path; });
        if (round != open_.end()) {
            return fmt::format("a file that includes itself: {}; delete one of these includes",
                               chain(round, path));
        }
        if (open_.size() >= kDeepestInclude) {
            return fmt::format("{} files deep; at most {} are possible: {}", open_.size() + 1,
                               kDeepestInclude, chain(open_.begin(), path));
        }
        if (issues_.files().size() >= kMostFiles) {
            return fmt::format("more than {0} files; at most {0} are possible", kMostFiles);
        }
        return {};
    }

    /// Returns `a.conf:3 includes b.conf:1 includes a.conf`.
    std::string chain(std::vector<Open>::const_iterator from, const std::string& path) const {
        std::string text;
        for (; from != open_.end(); ++from) {
            text += fmt::format("{}:{} includes ", from->path, from->line);
        }
        return fmt::format("{}{}", text, path);
    }

    /// Returns advice on a file that cannot be read.
    std::string hint(const Value& value) const {
        const std::string& name = value.text;
        if (const auto meant = without_habits(name); meant && value.kind == Kind::Bare) {
            return fmt::format("; {}; write {} = {}", rule_of(meant->habits.front()), kInclude,
                               shown(meant->text));
        }
        if (!is_of_library(name)) return {};
        const std::vector<std::string> files =
            files_.names ? files_.names(files_.library) : std::vector<std::string>{};
        std::vector<std::string_view> known;
        for (const std::string_view file : files) {
            if (!file.ends_with(kSuffix)) continue;
            known.push_back(file.substr(0, file.size() - kSuffix.size()));
        }
        if (std::find(known.begin(), known.end(), name) != known.end()) return {};
        if (const std::string advice = advice_on_protocol(name); !advice.empty()) {
            return fmt::format("; {}", advice);
        }
        const auto meant = nearest(name, known);
        return meant ? fmt::format("; did you mean {}?", *meant)
                     : fmt::format("; a file beside this one is ./{}", shown(name));
    }

    template <typename T>
    static void append(const std::vector<T>& more, std::vector<T>& all) {
        all.insert(all.end(), more.begin(), more.end());
    }

    void refuse(const Value& value, std::string_view why) {
        issues_.error(value.spot, fmt::format("{}: {}", as_written(kInclude, value), why));
    }

    const Files& files_;
    Issues& issues_;
    std::vector<Open> open_;              ///< each included by the one before it
    std::map<std::string, Whole> known_;  ///< by path
};

}  // namespace

std::optional<Document> read_with_includes(std::string_view text, const std::string& file_name,
                                           const Files& files, Issues& issues) {
    Includer includer(files, issues);
    auto whole = includer.read(text, file_name);
    if (!whole) return std::nullopt;
    const auto read_library = [&](std::string_view layout,
                                  const std::string& path) -> std::optional<Document> {
        auto read = includer.read(layout, path);
        if (!read) return std::nullopt;
        return std::move(read->document);
    };
    add_missing_layouts(whole->document, files, read_library, issues);
    return std::move(whole->document);
}

}  // namespace portsplit::config
