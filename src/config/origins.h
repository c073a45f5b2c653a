#pragma once
// Where in the files each part of a model came from, for checks that speak later.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/spot.h"

namespace portsplit::config {

/// The spots of the global section or of one service.
class Origin {
  public:
    Origin() = default;
    explicit Origin(Spot section) : spot(section) {}

    /// Notes where a key of the table has a value.
    void add(std::string_view key, Spot value);

    /// Where a key's value stands; where the section does if the files do not have it.
    Spot of(std::string_view key, std::size_t index = 0) const;
    bool has(std::string_view key) const { return !spots_of(key).empty(); }

    Spot spot;                   ///< of the section itself
    std::vector<Spot> patterns;  ///< one for each pattern of the model, whatever its key

  private:
    std::span<const Spot> spots_of(std::string_view key) const;

    std::vector<std::vector<Spot>> spots_;  ///< by option, in the order of the table
};

struct Origins {
    std::vector<std::string> files;  ///< their names, by `Spot::file`
    Origin global;
    std::vector<Origin> services;  ///< in the order of the model's
};

}  // namespace portsplit::config
