#pragma once
// Log lines without what differs from run to run.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace portsplit {

/// Replaces the number after each `before` by `word`.
inline std::string mask_numbers(std::string text, std::string_view before,
                                std::string_view word = "N") {
    for (std::size_t at = 0; (at = text.find(before, at)) != std::string::npos;) {
        at += before.size();
        const std::size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
        text.replace(at, end - at, word);
    }
    return text;
}

/// Removes the date, such as `2026-11-29T11:50:55+01:00 `, in front of every `portsplit[`. A line without
/// one stays as it is.
inline std::string without_dates(std::string text) {
    constexpr std::string_view kForm = "0000-00-00T00:00:00+00:00 ";
    const auto fits = [&](std::size_t at) {
        return std::equal(kForm.begin(), kForm.end(), text.begin() + static_cast<long>(at),
                          [](char form, char c) {
                              return form == '0' ? c >= '0' && c <= '9'
                                                 : form == c || (form == '+' && c == '-');
                          });
    };
    for (std::size_t at = 0; (at = text.find("portsplit[", at)) != std::string::npos; ++at) {
        if (at < kForm.size() || !fits(at - kForm.size())) continue;
        at -= kForm.size();
        text.erase(at, kForm.size());
    }
    return text;
}

/// Removes the date and `portsplit[PID]: ` from every line.
inline std::string without_pids(std::string text) {
    text = without_dates(std::move(text));
    for (std::size_t at = 0; (at = text.find("portsplit[", at)) != std::string::npos;) {
        text.erase(at, text.find(": ", at) + 2 - at);
    }
    return text;
}

}  // namespace portsplit
