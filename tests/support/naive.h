#pragma once
// The decision rule once more, slowly: a second opinion for tests, written from the prose and not
// from the code. It tries every continuation of a stream over two letters.

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

/// Every set of one or two different prefixes no longer than this.
inline std::vector<Prefixes> sets_of_prefixes(std::size_t longest) {
    const std::vector<std::string> words = strings(1, longest);
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

/// Whether a stream that has ended begins with one of these.
inline bool fits(const std::string& stream, const Prefixes& prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const std::string& prefix) { return stream.starts_with(prefix); });
}

/// Whether a test holds for the stream and for every continuation up to a length.
template <typename Test>
bool for_all_continuations(const std::string& stream, std::size_t longest, const Test& test) {
    if (!test(stream)) return false;
    if (stream.size() >= longest) return true;
    return std::all_of(kAlphabet.begin(), kAlphabet.end(), [&](char byte) {
        return for_all_continuations(stream + byte, longest, test);
    });
}

/// What the words match, no and more mean.
inline Answer answer(const Prefixes& prefixes, const std::string& seen) {
    const std::size_t longest = longest_of(prefixes);
    const auto fit = [&](const std::string& stream) { return fits(stream, prefixes); };
    const auto misfit = [&](const std::string& stream) { return !fits(stream, prefixes); };
    if (for_all_continuations(seen, longest, fit)) return Answer::Match;
    if (for_all_continuations(seen, longest, misfit)) return Answer::No;
    return Answer::More;
}

/// The service that a stream belongs to once it has ended: the first that it fits.
inline std::optional<std::size_t> winner(const std::vector<Prefixes>& services,
                                         const std::string& stream) {
    for (std::size_t i = 0; i < services.size(); ++i) {
        if (fits(stream, services[i])) return i;
    }
    return std::nullopt;
}

/// What the bytes so far say of a stream: where it belongs if it ends now, and whether it belongs
/// there however it goes on.
struct Outlook {
    std::optional<std::size_t> winner;
    bool certain;
};

inline Outlook outlook(const std::vector<Prefixes>& services, const std::string& seen) {
    std::size_t longest = 0;
    for (const Prefixes& prefixes : services) longest = std::max(longest, longest_of(prefixes));
    const std::optional<std::size_t> now = winner(services, seen);
    const auto same = [&](const std::string& stream) { return winner(services, stream) == now; };
    return {now, for_all_continuations(seen, longest, same)};
}

/// The verdict, where the services are followed by `fallback` and then by `timeout`.
inline std::optional<Verdict> decide(std::size_t services, const Outlook& outlook, bool no_byte,
                                     Ending ending) {
    const std::size_t fallback = services;
    const std::size_t timeout = services + 1;
    if (!outlook.certain && ending == Ending::Open) return std::nullopt;
    if (outlook.winner) return Verdict{outlook.winner, Reason::Match};
    if (outlook.certain) return Verdict{fallback, Reason::Fallback};
    if (ending == Ending::Deadline) return Verdict{timeout, Reason::Timeout};
    if (no_byte) return Verdict{std::nullopt, Reason::Eof};
    return Verdict{fallback, Reason::Fallback};
}

}  // namespace portsplit::core::naive
