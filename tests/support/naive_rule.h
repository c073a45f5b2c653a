#pragma once
// The decision rule a second time, sentence by sentence, over patterns that are matched one by one:
// neither a tree nor the order of a look is shared with core/plan.h. For tests and fuzz targets.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hex.h"
#include "core/verdict.h"
#include "support/naive_layout_pattern.h"

namespace portsplit::core::naive {

/// One pattern. Compares fixed lengths byte by byte; expressions use core/regex.h, which has
/// oracles of its own.
class OnePattern {
  public:
    explicit OnePattern(const PatternSource& source) {
        if (source.kind == PatternKind::Regex) {
            expression_ = *compile(source);
        } else if (source.kind == PatternKind::Hex) {
            sets_ = *parse_hex(source.text);
        } else {
            for (const char byte : source.text) {
                sets_.push_back(ByteSet::only(static_cast<std::uint8_t>(byte)));
            }
        }
    }

    Answer answer(std::string_view seen) const {
        if (expression_) return expression_->answer(as_bytes(seen));
        for (std::size_t i = 0; i < sets_.size(); ++i) {
            if (i == seen.size()) return Answer::More;
            if (!sets_[i].holds(static_cast<std::uint8_t>(seen[i]))) return Answer::No;
        }
        return Answer::Match;
    }

    /// Returns 0 for an expression.
    std::size_t length() const { return sets_.size(); }

  private:
    ByteSets sets_;
    std::unique_ptr<const Pattern> expression_;
};

class Rule {
  public:
    explicit Rule(const Config& config) : Rule(config, config.top) {}

    /// For the clients of one listener.
    /// @param client  for whom services are asked; none: somebody in no list
    Rule(const Config& config, const Listener& listener,
         const std::optional<IpAddress>& client = std::nullopt)
        : window_(config.window) {
        for (std::size_t i = 0; i < config.services.size(); ++i) {
            const bool is_for_client = is_for(config.services[i], client);
            // A last resort that is not for the client is as if it had another name.
            const Text name = is_for_client ? config.services[i].name : Text();
            if (name == (listener.fallback.empty() ? Text(kFallback) : listener.fallback)) {
                fallback_ = i;
            }
            if (name == (listener.on_timeout.empty() ? Text(kTimeout) : listener.on_timeout)) {
                timeout_ = i;
            }
            bool is_asked = listener.services.empty() && is_for_client;
            for (const Text& asked : listener.services) is_asked |= asked == name;
            is_asked_.push_back(is_asked);
            auto& [patterns, layouts] = services_.emplace_back();
            for (const PatternSource& source : config.services[i].patterns) {
                patterns.emplace_back(source);
                window_ = std::max(window_, patterns.back().length());
            }
            for (const LayoutPattern& asked : config.services[i].layouts) {
                const auto source =
                    std::ranges::find(config.layouts, asked.layout, &LayoutSource::name);
                layouts.emplace_back(*source, asked);
            }
        }
    }

    /// Returns what the longest prefix says.
    static bool is_for(const Service& service, const std::optional<IpAddress>& client) {
        int longest = -1;
        bool answer = service.from.empty();
        const auto look = [&](const List<Prefix>& prefixes, bool says) {
            for (const Prefix& it : prefixes) {
                const bool has_it = client && client->is_v4() == it.address.is_v4() &&
                                    client->first_of(it.length) == it.address;
                // In both lists, the second one counts.
                if (!has_it || it.length < longest) continue;
                longest = it.length;
                answer = says;
            }
        };
        look(service.from, true);
        look(service.not_from, false);
        return answer;
    }

    std::optional<Verdict> decide(std::string_view stream, Ending ending) const {
        const std::string_view seen = stream.substr(0, window_);
        std::vector<Answer> answers = answers_of(seen);
        const auto certain = certain_verdict(answers, seen);
        const bool may_be_silent = seen.empty() && timeout_;
        if (certain && (certain->reason == Reason::Match || !may_be_silent)) return certain;
        const bool is_full = seen.size() == window_;
        if (ending == Ending::Open && !is_full) return std::nullopt;
        // Rules 4 and 5: every more becomes no.
        std::replace(answers.begin(), answers.end(), Answer::More, Answer::No);
        const auto verdict = certain_verdict(answers, seen);
        if (verdict->reason == Reason::Match || is_full) return verdict;
        if (ending == Ending::Deadline) return Verdict{timeout_, Reason::Timeout, verdict->gave_up};
        if (!seen.empty()) return verdict;
        return Verdict{std::nullopt, Reason::Eof, verdict->gave_up};
    }

  private:
    struct Asking {
        std::vector<OnePattern> patterns;
        std::vector<OneLayoutPattern> layouts;
    };

    /// Rule 1.
    std::vector<Answer> answers_of(std::string_view seen) const {
        std::vector<Answer> answers;
        for (std::size_t i = 0; i < services_.size(); ++i) {
            const auto& patterns = services_[i].patterns;
            const auto& layouts = services_[i].layouts;
            if (!is_asked_[i]) {
                answers.push_back(Answer::No);
                continue;
            }
            const auto one_answers = [&](Answer answer) {
                const auto has_it = [&](const auto& it) { return it.answer(seen) == answer; };
                return std::ranges::any_of(patterns, has_it) ||
                       std::ranges::any_of(layouts, has_it);
            };
            answers.push_back(one_answers(Answer::Match)  ? Answer::Match
                              : one_answers(Answer::More) ? Answer::More
                                                          : Answer::No);
        }
        return answers;
    }

    /// Rules 2 and 3.
    std::optional<Verdict> certain_verdict(const std::vector<Answer>& answers,
                                           std::string_view seen) const {
        for (std::size_t i = 0; i < answers.size(); ++i) {
            if (answers[i] == Answer::More) return std::nullopt;
            if (answers[i] == Answer::Match) return Verdict{i, Reason::Match, gave_up(i, seen)};
        }
        return Verdict{fallback_, Reason::Fallback, gave_up(answers.size(), seen)};
    }

    /// Returns the first service before the winner that has a pattern which gave up.
    std::optional<std::size_t> gave_up(std::size_t winner, std::string_view seen) const {
        for (std::size_t i = 0; i < winner; ++i) {
            for (const OnePattern& pattern : services_[i].patterns) {
                if (!is_asked_[i]) continue;
                if (pattern.answer(seen) == Answer::GaveUp) return i;
            }
        }
        return std::nullopt;
    }

    std::size_t window_;
    std::optional<std::size_t> fallback_;
    std::optional<std::size_t> timeout_;
    std::vector<Asking> services_;
    std::vector<bool> is_asked_;  ///< by service
};

}  // namespace portsplit::core::naive
