#include "config/limits.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/meant.h"
#include "config/spelling.h"
#include "config/value.h"
#include "config/wording.h"

namespace portsplit::config {
namespace {

using core::Penalty;
using core::Rate;
using Cause = Penalty::Cause;

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kDigits = "0123456789";

struct CauseRow {
    std::string_view word;
    Cause cause;
    Place place;  ///< of the key that takes it
};
constexpr auto kCauses = std::to_array<CauseRow>({
    {"undecided", Cause::Undecided, Place::Listening},
    {"crash", Cause::Crash, Place::Listening},
    {"rate", Cause::Rate, Place::Listening},
    {"exit", Cause::Exit, Place::Exec},
    {"signal", Cause::Signal, Place::Exec},
});

/// Returns a number of decimal digits and nothing else; none if it is not between the two.
std::optional<std::size_t> number_in(std::string_view text, std::size_t smallest,
                                     std::size_t largest) {
    std::size_t number = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    const bool fits = !text.empty() && read.ec == std::errc() && read.ptr == end;
    if (!fits || number < smallest || number > largest) return std::nullopt;
    return number;
}

/// Cuts the digits at the front off a text, and the blanks behind them.
std::string_view cut_digits(std::string_view& text) {
    const std::size_t end = std::min(text.find_first_not_of(kDigits), text.size());
    const std::string_view digits = text.substr(0, end);
    text = trim(text.substr(end));
    return digits;
}

/// Cuts a word off the front of a text, and the blanks behind it; returns false if it is not there.
bool cut(std::string_view& text, std::string_view word) {
    if (!text.starts_with(word)) return false;
    text = trim(text.substr(word.size()));
    return true;
}

/// Returns the rate that is meant by `20/s`, `20/10s`, `20r/m` or `20 per second`; none if it is none of these.
std::optional<Rate> meant_rate(std::string_view text) {
    const auto count = number_in(cut_digits(text), 1, kLargestRate);
    cut(text, "r");
    if (!count || (!cut(text, "/") && !cut(text, "per"))) return std::nullopt;
    const std::string_view times = cut_digits(text);
    if (times.empty() && text.empty()) return std::nullopt;
    std::string time(times.empty() ? "1" : times);
    if (!text.empty()) time = seconds_in(time.append(text)).value_or("");
    const auto seconds = number_in(time, 1, kLongestRate);
    if (!seconds) return std::nullopt;
    return Rate{*count, *seconds};
}

Problem no_rate(std::string_view text) {
    constexpr std::string_view kForm = "not COUNT/SECONDS";
    if (const auto meant = meant_rate(text)) {
        return {fmt::format("{}; write {}", kForm, print(*meant))};
    }
    if (number_in(text, 1, kLargestRate)) {
        return {fmt::format("no time; write {0}/SECONDS, such as {0}/10", text)};
    }
    return {
        fmt::format("{}; write one such as 20/10, 20 connections in any 10 seconds, or 0 for no "
                    "limit",
                    kForm)};
}

const CauseRow& row_of(Cause cause) { return *std::ranges::find(kCauses, cause, &CauseRow::cause); }

/// Returns a cause as it is written: `crash`, `exit:5`.
std::string cause_of(const Penalty& penalty) {
    const std::string_view word = row_of(penalty.cause).word;
    if (penalty.cause != Cause::Exit) return std::string(word);
    return fmt::format("{}:{}", word, penalty.code);
}

/// The causes that a key takes, for messages.
std::string_view causes_of(const Key& key) {
    return key.takes.place == Place::Exec ? "exit:CODE or signal" : "undecided, crash or rate";
}
std::string_view example_of(const Key& key) {
    return key.takes.place == Place::Exec ? "exit:5 10" : "crash 60";
}

Problem unknown_cause(const Key& key, std::string_view word, std::string_view rest) {
    const auto is_of_key = [&](const CauseRow& row) { return row.place == key.takes.place; };
    std::vector<std::string_view> words;
    for (const CauseRow& row : kCauses) {
        if (is_of_key(row)) words.push_back(row.word);
    }
    if (number_in(word, 0, kLongestPenalty) && std::ranges::find(words, rest) != words.end()) {
        return {fmt::format("the cause comes first; write {} {}", rest, word)};
    }
    if (const auto meant = nearest(word, words)) {
        return {fmt::format("{} is no cause; did you mean {}?", shown(word), *meant)};
    }
    return {fmt::format("{} is no cause; write {}, and the seconds, such as {}", shown(word),
                        causes_of(key), example_of(key))};
}

Problem misplaced_cause(const Key& key, std::string_view word) {
    return {fmt::format("{} is a cause {}; write {} here", word,
                        key.takes.place == Place::Exec ? "above the services and in a listener"
                                                       : "in a service that has exec",
                        causes_of(key))};
}

/// Reads `crash` or `exit:5`.
/// @param rest  what is behind it, for messages
core::Result<Penalty, Problem> read_cause(const Key& key, std::string_view text,
                                          std::string_view rest) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view word = text.substr(0, colon);
    const auto* row = std::ranges::find(kCauses, word, &CauseRow::word);
    if (row == kCauses.end()) return unknown_cause(key, text, rest);
    if (row->place != key.takes.place) return misplaced_cause(key, word);
    Penalty penalty{.cause = row->cause};
    if (penalty.cause != Cause::Exit) {
        if (colon == text.size()) return penalty;
        return Problem{
            fmt::format("{0} has nothing behind it but the seconds; write {0} 60", word)};
    }
    if (colon == text.size()) return Problem{"exit needs a code; write one such as exit:5 10"};
    const std::string_view code = text.substr(colon + 1);
    const auto number = number_in(code, 0, UINT8_MAX);
    if (!number) {
        return Problem{
            fmt::format("{} is no exit code; write a number from 0 to 255, such as "
                        "exit:5 10",
                        code.empty() ? "nothing" : shown(code))};
    }
    penalty.code = static_cast<std::uint8_t>(*number);
    return penalty;
}

Problem no_seconds(const Penalty& penalty, std::string_view text) {
    const std::string cause = cause_of(penalty);
    const std::string range =
        fmt::format("a whole number of seconds from 0 to {}", kLongestPenalty);
    if (text.empty()) {
        return {fmt::format("no seconds; write {}, such as {} 60", range, cause)};
    }
    const auto meant = seconds_in(text);
    if (meant && number_in(*meant, 0, kLongestPenalty)) {
        return {fmt::format("{} is not {}; write {} {}", shown(text), range, cause, *meant)};
    }
    return {fmt::format("{} is not {}", shown(text), range)};
}

/// Reports each cause that the lists of one section have twice.
void check_penalties(const Section& section, Place place, Issues& issues) {
    const Key& key = *find_key(kPenalty, place);
    std::map<std::pair<Cause, std::uint8_t>, Spot> firsts;
    for (const Entry& entry : section.entries) {
        if (entry.key != kPenalty) continue;
        for (const Value& value : entry.values) {
            if (!why_unfit(key, value.kind).empty()) continue;
            const auto penalty = parse<Penalty>(key, value.text);
            if (!penalty) continue;
            const auto [first, is_new] =
                firsts.try_emplace({penalty->cause, penalty->code}, value.spot);
            if (is_new) continue;
            issues.error(value.spot, fmt::format("{}: {} is {} already; keep one of the two",
                                                 as_written(kPenalty, value), cause_of(*penalty),
                                                 where(first->second, value.spot, issues.files())));
        }
    }
}

}  // namespace

template <>
core::Result<Rate, Problem> parse(const Key& /*key*/, std::string_view text) {
    if (text == "0") return Rate{};
    const std::size_t slash = text.find('/');
    if (slash == text.npos) return no_rate(text);
    const std::string_view count = text.substr(0, slash);
    const std::string_view seconds = text.substr(slash + 1);
    const auto is_number = [](std::string_view it) {
        return !it.empty() && it.find_first_not_of(kDigits) == it.npos;
    };
    if (!is_number(count) || !is_number(seconds)) return no_rate(text);
    const auto count_read = number_in(count, 1, kLargestRate);
    const auto seconds_read = number_in(seconds, 1, kLongestRate);
    if (!count_read) {
        return Problem{fmt::format("{} is not a number of connections from 1 to {}{}", shown(count),
                                   kLargestRate, count == "0" ? "; write 0 for no limit" : "")};
    }
    if (!seconds_read) {
        return Problem{fmt::format("{} is not a whole number of seconds from 1 to {}",
                                   shown(seconds), kLongestRate)};
    }
    return Rate{*count_read, *seconds_read};
}

std::string print(const Rate& value) {
    return value.count == 0 ? "0" : fmt::format("{}/{}", value.count, value.seconds);
}

template <>
core::Result<Penalty, Problem> parse(const Key& key, std::string_view text) {
    text = trim(text);
    if (text.empty()) {
        return Problem{
            fmt::format("empty; write a cause and seconds, such as {}", example_of(key))};
    }
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    const std::string_view seconds = trim(text.substr(end));
    auto penalty = read_cause(key, text.substr(0, end), seconds);
    if (!penalty) return penalty;
    const auto number = number_in(seconds, 0, kLongestPenalty);
    if (!number) return no_seconds(*penalty, seconds);
    penalty->seconds = *number;
    return penalty;
}

std::string print(const Penalty& value) {
    return fmt::format("{} {}", cause_of(value), value.seconds);
}

bool belongs(const Penalty& penalty, Place place) {
    const auto* row = std::ranges::find(kCauses, penalty.cause, &CauseRow::cause);
    return row != kCauses.end() && row->place == place &&
           (penalty.code == 0 || penalty.cause == Cause::Exit) &&
           penalty.seconds <= kLongestPenalty;
}

void check_penalties(const Document& document, Issues& issues) {
    check_penalties(document.global, Place::Global, issues);
    for (const Section& section : document.listeners) {
        check_penalties(section, Place::Listener, issues);
    }
    for (const Section& section : document.services) {
        check_penalties(section, Place::Service, issues);
    }
}

}  // namespace portsplit::config
