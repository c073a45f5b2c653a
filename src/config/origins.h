#pragma once
// Where in the file each part of a model came from, for checks that speak later.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portsplit::config {

/// The lines of the global section or of one service.
class Origin {
  public:
    Origin() = default;
    explicit Origin(int section_line) : line(section_line) {}

    /// Notes a line on which a key of the table has a value.
    void add(std::string_view key, int value_line);

    /// The line of a key's value; that of the section if the file does not have it.
    int of(std::string_view key, std::size_t index = 0) const;
    bool has(std::string_view key) const { return !lines_of(key).empty(); }

    int line = 1;               ///< of the section itself
    std::vector<int> patterns;  ///< one for each pattern of the model, whatever its key

  private:
    std::span<const int> lines_of(std::string_view key) const;

    std::vector<std::vector<int>> lines_;  ///< by option, in the order of the table
};

struct Origins {
    std::string file;
    Origin global;
    std::vector<Origin> services;  ///< in the order of the model's
};

}  // namespace portsplit::config
