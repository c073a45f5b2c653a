#include "config/libconfig_scan.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>

namespace portsplit::config {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789ABCDEFabcdef";
// Of names and numbers. A word ends before the first other character.
constexpr std::string_view kWordCharacters =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_*+-.";

bool is_integer(std::string_view word) {
    if (word.starts_with("0x") || word.starts_with("0X")) {
        return word.size() > 2 && word.find_first_not_of(kHexDigits, 2) == word.npos;
    }
    if (word.starts_with('+') || word.starts_with('-')) word.remove_prefix(1);
    return !word.empty() && word.find_first_not_of(kDigits) == word.npos;
}

class Scanner {
  public:
    Scanner(std::string_view text, FileIssues issues) : rest_(text), issues_(issues) {}

    std::optional<std::string> scan() {
        while (!rest_.empty() && readable_) {
            if (rest_.starts_with("#") || rest_.starts_with("//")) {
                copy(rest_.find('\n'));
            } else if (rest_.starts_with("/*")) {
                take_comment();
            } else if (rest_.starts_with('"')) {
                take_string();
            } else if (rest_.starts_with('@')) {
                refuse(line_,
                       "@include: libconfig's own, which is not used; write include = \"./FILE\"; "
                       "instead");
            } else {
                take_word();
            }
        }
        if (!readable_) return std::nullopt;
        return std::move(out_);
    }

  private:
    void take_comment() {
        const std::size_t end = rest_.find("*/", 2);
        if (end == rest_.npos) return refuse(line_, "/* without */ takes the rest of the file");
        copy(end + 2);
    }

    void take_string() {
        const int begin = line_;
        copy(1);
        for (;;) {
            copy(rest_.find_first_of("\"\\"));
            if (rest_.empty()) return refuse(begin, "a string that is not closed with \"");
            if (rest_.front() == '"') return copy(1);
            take_backslash();
        }
    }

    void take_backslash() {
        const bool is_hex = rest_.size() >= 4 && (rest_[1] == 'x' || rest_[1] == 'X');
        if (is_hex && rest_.substr(2, 2) == "00") {
            issues_.error(line_, fmt::format("{}: libconfig ends the string here; a NUL byte is 00 "
                                             "in hex, and \"\\\\00\" in a string",
                                             rest_.substr(0, 4)));
            rest_.remove_prefix(4);
            out_ += "\\x01";
        } else {
            copy(2);
        }
    }

    void take_word() {
        const std::size_t end = std::min(rest_.find_first_not_of(kWordCharacters), rest_.size());
        const std::string_view word = rest_.substr(0, end);
        copy(std::max<std::size_t>(end, 1));
        if (is_integer(word)) out_ += 'L';
    }

    /// Moves characters from the text to the output, at most as many as are left.
    void copy(std::size_t count) {
        const std::string_view taken = rest_.substr(0, count);
        line_ += static_cast<int>(std::count(taken.begin(), taken.end(), '\n'));
        out_ += taken;
        rest_.remove_prefix(taken.size());
    }

    void refuse(int line, std::string_view text) {
        issues_.error(line, std::string(text));
        readable_ = false;
    }

    std::string_view rest_;
    FileIssues issues_;
    std::string out_;
    int line_ = 1;
    bool readable_ = true;
};

}  // namespace

std::optional<std::string> prepare_for_libconfig(std::string_view text, FileIssues issues) {
    return Scanner(text, issues).scan();
}

}  // namespace portsplit::config
