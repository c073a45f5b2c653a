#pragma once
// What must hold for every text that the two readers of a configuration get: the body of their fuzz
// targets.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/classic.h"
#include "config/libconfig.h"
#include "config/load.h"
#include "config/spelling.h"
#include "support/checks.h"

namespace portsplit::config {

/// Returns the files that a text can include: itself, as the entry `self` or the path `./fuzz`, and
/// the entries and files below, with every kind of fault.
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

/// libconfig and the search for shadows take more than linear time.
inline constexpr std::size_t kLongestInput = 65536;

using core::require;

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
    require(again.config == config, "a written configuration is read as the same");
}

inline bool is_spelled(const std::string& text, Spelling spelling) {
    Issues issues;
    const auto cleaned = clean(text, issues.add_file("fuzz", text));
    return !cleaned || detect_spelling(*cleaned) == spelling;
}

/// Reads the text, writes the result in both spellings and reads it again.
/// @param spelling  of the reader under test; a text in the other spelling is ignored
inline int fuzz_reader(const std::uint8_t* data, std::size_t size, Spelling spelling) {
    if (size > kLongestInput) return 0;
    const std::string text(data, data + size);
    if (!is_spelled(text, spelling)) return 0;
    const Files files = files_beside(text);
    const Loaded loaded = read(text, "fuzz", Need::Services, files);
    check_issues(loaded, text, files);
    if (!loaded.config) return 0;
    core::note_accepted();
    check_again(write_libconfig(*loaded.config), *loaded.config);
    const auto classic = write_classic(*loaded.config);
    const bool is_own = loaded.origins.files.size() == 1 && spelling == Spelling::Classic;
    require(classic.ok() || !is_own, "the classic spelling can write what it read");
    if (classic) check_again(*classic, *loaded.config);
    return 0;
}

}  // namespace portsplit::config
