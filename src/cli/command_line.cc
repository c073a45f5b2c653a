#include "cli/command_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "config/arguments.h"
#include "config/wording.h"

namespace portsplit::cli {

std::string advice_on(const std::vector<std::string>& arguments,
                      const std::vector<std::string_view>& commands,
                      const std::function<bool(const std::string&)>& is_file) {
    const std::string word = config::first_word(arguments);
    if (std::find(commands.begin(), commands.end(), word) != commands.end()) return {};
    std::string advice = config::advice_on_foreign_option(arguments, "portsplit");
    if (!advice.empty()) return advice;
    // A word with a dot or a slash is meant as a file.
    const bool is_word = !word.empty() && word.find_first_of("./") == std::string::npos;
    if (!is_word || is_file(word)) return {};
    if (const auto meant = config::nearest(word, commands)) {
        return fmt::format("no command {}; did you mean {}?", config::shown(word), *meant);
    }
    return fmt::format("{}: no such file, and no command; commands are {}", config::shown(word),
                       fmt::join(commands, ", "));
}

std::string advice_on_input(const std::string& file, const std::string& extra,
                            const std::function<bool(const std::string&)>& is_file) {
    if (extra.empty() || extra.starts_with('-')) return {};
    const std::string name = config::shown(extra);
    if (!is_file(extra)) {
        return fmt::format(
            "{}: no such file; the bytes of a client are given by --text, --hex, "
            "--pcap or standard input",
            name);
    }
    if (extra.ends_with(".pcap") || extra.ends_with(".pcapng")) {
        return fmt::format(
            "{0}: a capture is named by an option; write portsplit explain --pcap {0} "
            "{1}",
            name, config::shown(file));
    }
    return fmt::format("{0}: bytes are read from standard input; write portsplit explain {1} < {0}",
                       name, config::shown(file));
}

bool names_a_file(const std::string& name) { return ::access(name.c_str(), F_OK) == 0; }

}  // namespace portsplit::cli
