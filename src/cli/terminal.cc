#include "cli/terminal.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace portsplit::cli {
namespace {

constexpr std::size_t kUsualWidth = 80;

bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

bool is_dumb() {
    const char* terminal = std::getenv("TERM");
    return terminal != nullptr && std::string_view(terminal) == "dumb";
}

}  // namespace

Look look_of(int fd) {
    if (::isatty(fd) != 1) return {};
    Look look{is_set("NO_COLOR") || is_dumb() ? Colour::Plain : Colour::Terminal, kUsualWidth};
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) look.width = size.ws_col;
    return look;
}

std::string painted(std::string_view text, std::string_view code, Colour colour) {
    if (colour == Colour::Plain) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

}  // namespace portsplit::cli
