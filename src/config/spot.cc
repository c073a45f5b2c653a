#include "config/spot.h"

#include <fmt/core.h>

#include <cstddef>

namespace portsplit::config {

std::string where(Spot spot, Spot message, const std::vector<std::string>& files) {
    if (spot.file == message.file) return fmt::format("on line {}", spot.line);
    return fmt::format("at {}:{}", files[static_cast<std::size_t>(spot.file)], spot.line);
}

}  // namespace portsplit::config
