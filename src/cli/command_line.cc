#include "cli/command_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "config/wording.h"

namespace portsplit::cli {
namespace {

/// Returns true for an option that tests a configuration in other programs, such as nginx and sshd.
bool is_test_option(const std::string& word) {
    constexpr std::string_view kOptions[] = {"-t", "-T", "-c", "--test", "--check", "--configtest"};
    return std::find(std::begin(kOptions), std::end(kOptions), word) != std::end(kOptions);
}

/// Returns the first word that is no option and no value of one; empty if there is none.
std::string first_word(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        if (word == "--log" || word == "--ready-fd") {
            ++i;
        } else if (!word.starts_with('-')) {
            return word;
        }
    }
    return {};
}

}  // namespace

std::string advice_on(const std::vector<std::string>& arguments,
                      const std::vector<std::string_view>& commands,
                      const std::function<bool(const std::string&)>& is_file) {
    const std::string word = first_word(arguments);
    if (std::find(commands.begin(), commands.end(), word) != commands.end()) return {};
    if (std::any_of(arguments.begin(), arguments.end(), is_test_option)) {
        return fmt::format("to test a file: portsplit check {}", word.empty() ? "FILE" : word);
    }
    // A word with a dot or a slash is meant as a file.
    const bool is_word = !word.empty() && word.find_first_of("./") == std::string::npos;
    if (!is_word || is_file(word)) return {};
    if (const auto meant = config::nearest(word, commands)) {
        return fmt::format("no command {}; did you mean {}?", config::shown(word), *meant);
    }
    return fmt::format("{}: no such file, and no command; commands are {}", config::shown(word),
                       fmt::join(commands, ", "));
}

bool names_a_file(const std::string& name) { return ::access(name.c_str(), F_OK) == 0; }

}  // namespace portsplit::cli
