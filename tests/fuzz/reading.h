#pragma once
// The property that both readers are searched for exceptions to.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/load.h"
#include "config/source.h"
#include "config/writer.h"

namespace portsplit::config {

/// Time grows faster than the text in libconfig and in the search for shadows.
inline constexpr std::size_t kLongestInput = 65536;

inline void require(bool promise, const char* text) {
    if (promise) return;
    std::fprintf(stderr, "broken promise: %s\n", text);
    std::abort();
}

inline void check_issues(const Loaded& loaded, std::string_view text) {
    const auto newlines = std::count(text.begin(), text.end(), '\n');
    const bool unfinished = !text.empty() && text.back() != '\n';
    const auto lines = std::max<std::ptrdiff_t>(1, newlines + (unfinished ? 1 : 0));
    bool has_error = false;
    for (const Issue& issue : loaded.issues) {
        require(issue.line >= 1 && issue.line <= lines, "an issue has a line of the text");
        require(to_string(issue).find_first_of("\n\r\033") == std::string::npos,
                "an issue is one printable line");
        has_error |= issue.severity == Severity::Error;
    }
    require(has_error != loaded.config.has_value(), "there is a configuration or an error");
}

inline void check_again(const std::string& text, const core::Config& config) {
    const Loaded again = read(text, "again", Need::Services);
    require(again.config == config, "what is written is read as what it was");
}

inline bool is_spelled(const std::string& text, Spelling spelling) {
    Issues issues("fuzz", text);
    const auto cleaned = clean(text, issues);
    return !cleaned || detect_spelling(*cleaned) == spelling;
}

/// @param spelling  the reader meant; a text in the other spelling is none of its input
inline int fuzz_reader(const std::uint8_t* data, std::size_t size, Spelling spelling) {
    if (size > kLongestInput) return 0;
    const std::string text(data, data + size);
    if (!is_spelled(text, spelling)) return 0;
    const Loaded loaded = read(text, "fuzz", Need::Services);
    check_issues(loaded, text);
    if (!loaded.config) return 0;
    check_again(write_libconfig(*loaded.config), *loaded.config);
    const auto classic = write_classic(*loaded.config);
    require(classic.ok() || spelling == Spelling::Libconfig, "the classic spelling says its own");
    if (classic) check_again(*classic, *loaded.config);
    return 0;
}

}  // namespace portsplit::config
