#pragma once
// The decision rule for `string` patterns, written from its text and not from the code: it tries
// every continuation of a stream over two letters. support/naive_rule.h does it for all kinds of
// patterns.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "core/pattern.h"
#include "core/verdict.h"

namespace portsplit::core::naive {

inline constexpr std::string_view kAlphabet = "ab";

using Prefixes = std::vector<std::string>;

/// Returns every string over the alphabet with these lengths, shorter ones first.
inline std::vector<std::string> strings(std::size_t shortest, std::size_t longest,
                                        std::string_view alphabet = kAlphabet) {
    std::vector<std::string> all{""};
    for (std::size_t i = 0; i < all.size() && all[i].size() < longest; ++i) {
        for (const char byte : alphabet) all.push_back(all[i] + byte);
    }
    std::erase_if(all, [&](const std::string& string) { return string.size() < shortest; });
    return all;
}

/// Returns every set of one or two different prefixes with these lengths.
inline std::vector<Prefixes> sets_of_prefixes(std::size_t longest, std::size_t shortest = 1) {
    const std::vector<std::string> words = strings(shortest, longest);
    std::vector<Prefixes> sets;
    for (std::size_t i = 0; i < words.size(); ++i) {
        sets.push_back({words[i]});
        for (std::size_t j = i + 1; j < words.size(); ++j) sets.push_back({words[i], words[j]});
    }
    return sets;
}

inline std::size_t longest_of(const Prefixes& prefixes) {
    std::size_t longest = 0;
    for (const std::string& prefix : prefixes) longest = std::max(longest, prefix.size());
    return longest;
}

/// Returns true if an ended stream begins with one of the prefixes.
inline bool fits(const std::string& stream, const Prefixes& prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const std::string& prefix) { return stream.starts_with(prefix); });
}

/// Returns true if a test holds for the stream and for every continuation up to a length.
template <typename Test>
bool for_all_continuations(const std::string& stream, std::size_t longest, const Test& test) {
    if (!test(stream)) return false;
    if (stream.size() >= longest) return true;
    return std::all_of(kAlphabet.begin(), kAlphabet.end(), [&](char byte) {
        return for_all_continuations(stream + byte, longest, test);
    });
}

/// Returns the answer by its definition: match if all continuations fit, no if none does.
inline Answer answer(const Prefixes& prefixes, const std::string& seen) {
    const std::size_t longest = longest_of(prefixes);
    const auto fit = [&](const std::string& stream) { return fits(stream, prefixes); };
    const auto misfit = [&](const std::string& stream) { return !fits(stream, prefixes); };
    if (for_all_continuations(seen, longest, fit)) return Answer::Match;
    if (for_all_continuations(seen, longest, misfit)) return Answer::No;
    return Answer::More;
}

/// Returns the service that an ended stream belongs to: the first that it fits.
inline std::optional<std::size_t> winner(const std::vector<Prefixes>& services,
                                         const std::string& stream) {
    for (std::size_t i = 0; i < services.size(); ++i) {
        if (fits(stream, services[i])) return i;
    }
    return std::nullopt;
}

struct Outlook {
    std::optional<std::size_t> winner;  ///< if the stream ends now
    bool certain;                       ///< true if every continuation has the same winner
};

inline Outlook outlook(const std::vector<Prefixes>& services, const std::string& seen) {
    std::size_t longest = 0;
    for (const Prefixes& prefixes : services) longest = std::max(longest, longest_of(prefixes));
    const std::optional<std::size_t> now = winner(services, seen);
    const auto same = [&](const std::string& stream) { return winner(services, stream) == now; };
    return {now, for_all_continuations(seen, longest, same)};
}

/// Where the last resorts stand among the services.
struct LastResorts {
    std::optional<std::size_t> fallback;
    std::optional<std::size_t> timeout;
};

/// @param no_byte  true if the client has sent nothing yet
inline std::optional<Verdict> decide(const LastResorts& last, const Outlook& outlook, bool no_byte,
                                     Ending ending) {
    const auto& [fallback, timeout] = last;
    // What `timeout` is for: a silent client may still send something.
    const bool waits = no_byte && timeout && !outlook.winner;
    const bool certain = outlook.certain && !waits;
    if (!certain && ending == Ending::Open) return std::nullopt;
    if (outlook.winner) return Verdict{outlook.winner, Reason::Match};
    if (certain) return Verdict{fallback, Reason::Fallback};
    if (ending == Ending::Deadline) return Verdict{timeout, Reason::Timeout};
    if (no_byte) return Verdict{std::nullopt, Reason::Eof};
    return Verdict{fallback, Reason::Fallback};
}

}  // namespace portsplit::core::naive
