#include "config/origins.h"

#include "config/option_table.h"

namespace portsplit::config {
namespace {

std::size_t index_of(std::string_view key) {
    return static_cast<std::size_t>(find_option(key) - options().data());
}

}  // namespace

void Origin::add(std::string_view key, Spot value) {
    spots_.resize(options().size());
    spots_[index_of(key)].push_back(value);
}

Spot Origin::of(std::string_view key, std::size_t index) const {
    const std::span<const Spot> spots = spots_of(key);
    return index < spots.size() ? spots[index] : spot;
}

std::span<const Spot> Origin::spots_of(std::string_view key) const {
    if (spots_.empty()) return {};
    return spots_[index_of(key)];
}

}  // namespace portsplit::config
