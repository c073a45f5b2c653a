#include "config_file.h"

#include <utility>

#include "config/include.h"
#include "sys/file.h"
#include "sys/program.h"

namespace portsplit {
namespace {

config::Files files_of_this_system(const std::string& installed_patterns) {
    const auto read = [](const std::string& path) -> core::Result<std::string, config::Unreadable> {
        auto text = sys::read_file(path);
        if (!text) return config::Unreadable{sys::to_string(text.error())};
        return *std::move(text);
    };
    return {.read = read,
            .names = sys::names_in,
            .library = sys::beside_own({"../share/portsplit/patterns", installed_patterns})};
}

}  // namespace

sys::Result<config::Loaded> load_file(const std::string& path, config::Need need,
                                      const std::string& installed_patterns) {
    const auto text = sys::read_file(path);
    if (!text) return text.error();
    return config::read(*text, path, need, files_of_this_system(installed_patterns));
}

void log_issues(const std::vector<config::Issue>& issues, config::Severity least, sys::Log& log) {
    for (const config::Issue& issue : issues) {
        const bool is_error = issue.severity == config::Severity::Error;
        if (!is_error && least == config::Severity::Error) continue;
        log.line(is_error ? sys::Level::Error : sys::Level::Warning, config::to_string(issue));
    }
}

}  // namespace portsplit
