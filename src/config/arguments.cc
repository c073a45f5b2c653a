#include "config/arguments.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

#include "config/wording.h"

namespace portsplit::config {
namespace {

/// Of the programs here.
constexpr std::array<std::string_view, 3> kWithValue{"--log", "--ready-fd", "--idle-exit"};

/// Of other programs, such as nginx, sshd, HAProxy and sslh.
constexpr std::array<std::string_view, 6> kTests{"-t",     "-T",      "-c",
                                                 "--test", "--check", "--configtest"};
constexpr std::array<std::string_view, 5> kNamesFile{"-f", "-F", "--file", "--conf", "--config"};

template <std::size_t Count>
bool is_one_of(const std::array<std::string_view, Count>& options, std::string_view word) {
    return std::find(options.begin(), options.end(), word) != options.end();
}

std::vector<std::string_view> without_values(const std::vector<std::string>& arguments) {
    std::vector<std::string_view> words;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        words.push_back(arguments[i]);
        if (is_one_of(kWithValue, arguments[i])) ++i;
    }
    return words;
}

}  // namespace

std::string first_word(const std::vector<std::string>& arguments) {
    for (const std::string_view word : without_values(arguments)) {
        if (!word.starts_with('-')) return std::string(word);
    }
    return {};
}

std::string advice_on_foreign_option(const std::vector<std::string>& arguments,
                                     std::string_view program) {
    bool tests = false;
    bool names_file = false;
    std::string file = first_word(arguments);
    for (const std::string_view word : without_values(arguments)) {
        const std::size_t end = std::min(word.find('='), word.size());
        if (is_one_of(kTests, word)) tests = true;
        if (!is_one_of(kNamesFile, word.substr(0, end))) continue;
        names_file = true;
        if (end < word.size()) file = word.substr(end + 1);
    }
    const std::string shown_file = file.empty() ? "FILE" : shown(file);
    if (tests) return fmt::format("to test a file: portsplit check {}", shown_file);
    if (names_file) return fmt::format("the file is an argument: {} {}", program, shown_file);
    return {};
}

std::string why_wrong_option(const std::vector<std::string>& arguments, std::string_view option,
                             std::string_view program) {
    std::string advice = advice_on_foreign_option(arguments, program);
    if (!advice.empty()) return advice;
    return fmt::format("unknown option, or an option without its value: {}", shown(option));
}

std::string why_no_log(std::string_view where) {
    static constexpr struct {
        std::string_view word;
        const char* meant;
    } kWords[] = {
        {"journal", "under systemd, stderr goes to the journal"},
        {"none", "/dev/null drops every line"},
        {"null", "/dev/null drops every line"},
        {"off", "/dev/null drops every line"},
        {"stdout", "standard output is /dev/stdout"},
        {"-", "standard output is /dev/stdout"},
    };
    const auto* const found = std::find_if(std::begin(kWords), std::end(kWords),
                                           [&](const auto& it) { return it.word == where; });
    if (found == std::end(kWords)) return {};
    return fmt::format("--log {0}: not a place for the log; {1}; ./{0} is a file of that name",
                       where, found->meant);
}

}  // namespace portsplit::config
