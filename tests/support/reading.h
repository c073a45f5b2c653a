#pragma once
// The property that both readers are searched for exceptions to.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/classic.h"
#include "config/libconfig.h"
#include "config/load.h"
#include "config/spelling.h"

namespace portsplit::config {

/// What a text may include: itself, by the name `self` or the path `./fuzz`, and the entries and
/// files below, which between them can go wrong in every way.
inline Files files_beside(const std::string& text) {
    Files files;
    files.library = "lib";
    files.names = [](const std::string&) {
        return std::vector<std::string>{"self.conf", "ssh.conf", "two.conf", "round.conf"};
    };
    files.read = [text](const std::string& path) -> core::Result<std::string, Unreadable> {
        static const std::map<std::string, std::string> kOthers = {
            {"lib/ssh.conf", "[ssh]\nstring = SSH-\n"},
            {"lib/two.conf", "services : { a : { hex = \"1\"; }; b : { }; };"},
            {"lib/round.conf", "include = self\n[r]\ninclude = ssh\n"},
            {"more", "bind = [ \"*:1\", \"*:2\" ];\ntimeout = 1;\n"},
        };
        if (path == "lib/self.conf" || path == "fuzz") return text;
        const auto found = kOthers.find(path);
        if (found == kOthers.end()) return Unreadable{"cannot read it"};
        return found->second;
    };
    return files;
}

/// Time grows faster than the text in libconfig and in the search for shadows.
inline constexpr std::size_t kLongestInput = 65536;

inline void require(bool promise, const char* text) {
    if (promise) return;
    std::fprintf(stderr, "broken promise: %s\n", text);
    std::abort();
}

inline int count_lines(std::string_view text) {
    const auto newlines = std::count(text.begin(), text.end(), '\n');
    const bool unfinished = !text.empty() && text.back() != '\n';
    return std::max(1, static_cast<int>(newlines) + (unfinished ? 1 : 0));
}

inline void check_issues(const Loaded& loaded, std::string_view text, const Files& files) {
    bool has_error = false;
    for (const Issue& issue : loaded.issues) {
        const bool is_own = issue.spot.file == 0;
        const int lines = count_lines(is_own ? text : *files.read(issue.file));
        require(issue.spot.line >= 1 && issue.spot.line <= lines,
                "an issue has a line of the text");
        require(to_string(issue).find_first_of("\n\r\033") == std::string::npos,
                "an issue is one printable line");
        has_error |= issue.severity == Severity::Error;
    }
    require(std::is_sorted(loaded.issues.begin(), loaded.issues.end(),
                           [](const Issue& a, const Issue& b) { return a.spot < b.spot; }),
            "issues are in the order of their spots");
    require(has_error != loaded.config.has_value(), "there is a configuration or an error");
}

inline void check_again(const std::string& text, const core::Config& config) {
    const Loaded again = read(text, "again", Need::Services);
    require(again.config == config, "what is written is read as what it was");
}

inline bool is_spelled(const std::string& text, Spelling spelling) {
    Issues issues;
    const auto cleaned = clean(text, issues.add_file("fuzz", text));
    return !cleaned || detect_spelling(*cleaned) == spelling;
}

/// @param spelling  the reader meant; a text in the other spelling is none of its input
inline int fuzz_reader(const std::uint8_t* data, std::size_t size, Spelling spelling) {
    if (size > kLongestInput) return 0;
    const std::string text(data, data + size);
    if (!is_spelled(text, spelling)) return 0;
    const Files files = files_beside(text);
    const Loaded loaded = read(text, "fuzz", Need::Services, files);
    check_issues(loaded, text, files);
    if (!loaded.config) return 0;
    check_again(write_libconfig(*loaded.config), *loaded.config);
    const auto classic = write_classic(*loaded.config);
    const bool is_own = loaded.origins.files.size() == 1 && spelling == Spelling::Classic;
    require(classic.ok() || !is_own, "the classic spelling says its own");
    if (classic) check_again(*classic, *loaded.config);
    return 0;
}

}  // namespace portsplit::config
