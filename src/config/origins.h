#pragma once
// Where in the file each part of a model came from, for checks that speak later.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace portsplit::config {

/// The lines of the global section or of one service.
struct Origin {
    int line = 1;                                                ///< of the section itself
    std::map<std::string, std::vector<int>, std::less<>> lines;  ///< by key, one for each value
    std::vector<int> patterns;  ///< one for each pattern of the model, whatever its key

    /// The line of a key's value; that of the section if the file does not have it.
    int of(std::string_view key, std::size_t index = 0) const {
        const auto found = lines.find(key);
        return found != lines.end() && index < found->second.size() ? found->second[index] : line;
    }
    bool has(std::string_view key) const { return lines.find(key) != lines.end(); }
};

struct Origins {
    std::string file;
    Origin global;
    std::vector<Origin> services;  ///< in the order of the model's
};

}  // namespace portsplit::config
