#include "config/origins.h"

#include "config/option_table.h"

namespace portsplit::config {
namespace {

std::size_t index_of(std::string_view key) {
    return static_cast<std::size_t>(find_option(key) - options().data());
}

}  // namespace

void Origin::add(std::string_view key, int value_line) {
    lines_.resize(options().size());
    lines_[index_of(key)].push_back(value_line);
}

int Origin::of(std::string_view key, std::size_t index) const {
    const std::span<const int> lines = lines_of(key);
    return index < lines.size() ? lines[index] : line;
}

std::span<const int> Origin::lines_of(std::string_view key) const {
    if (lines_.empty()) return {};
    return lines_[index_of(key)];
}

}  // namespace portsplit::config
