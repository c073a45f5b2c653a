#include "core/resource_limit.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace portsplit::core {
namespace {

constexpr std::string_view kBlanks = " \t";

/// Returns a number that is the whole text, in decimal digits.
template <typename Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (text.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return number;
}

std::optional<std::uint64_t> limit_in(std::string_view text) {
    if (text == "unlimited") return ResourceLimit::kUnlimited;
    const auto number = number_in<std::uint64_t>(text);
    return number == ResourceLimit::kUnlimited ? std::nullopt : number;
}

}  // namespace

std::optional<ResourceLimit> resource_limit_in(std::string_view text) {
    const std::size_t blank = text.find_first_of(kBlanks);
    if (blank == text.npos) return std::nullopt;
    const auto* word = std::ranges::find(kResourceWords, text.substr(0, blank));
    if (word == std::end(kResourceWords)) return std::nullopt;
    const std::size_t start = text.find_first_not_of(kBlanks, blank);
    if (start == text.npos) return std::nullopt;
    const std::string_view values = text.substr(start);
    const std::size_t colon = values.find(':');
    const auto soft = limit_in(values.substr(0, colon));
    const auto hard = colon == values.npos ? soft : limit_in(values.substr(colon + 1));
    if (!soft || !hard || *soft > *hard) return std::nullopt;
    return ResourceLimit{static_cast<Resource>(word - std::begin(kResourceWords)), *soft, *hard};
}

std::optional<int> nice_in(std::string_view text) {
    const auto nice = number_in<int>(text);
    return nice && *nice >= -20 && *nice <= 19 ? nice : std::nullopt;
}

}  // namespace portsplit::core
