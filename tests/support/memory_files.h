#pragma once
// Files that exist only in a test. The library of patterns is the folder `lib`.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/include.h"

namespace portsplit::config {

/// @param texts  by path
inline Files memory_files(std::map<std::string, std::string> texts) {
    Files files;
    files.library = "lib";
    files.names = [texts](const std::string& folder) {
        std::vector<std::string> names;
        for (const auto& [path, text] : texts) {
            if (path.starts_with(folder + "/")) names.push_back(path.substr(folder.size() + 1));
        }
        return names;
    };
    files.read = [texts = std::move(texts)](
                     const std::string& path) -> core::Result<std::string, Unreadable> {
        const auto found = texts.find(path);
        if (found == texts.end()) return Unreadable{"cannot read " + path + ": no such file"};
        return found->second;
    };
    return files;
}

}  // namespace portsplit::config
