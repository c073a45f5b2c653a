#pragma once
// A temporary folder for one test.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace portsplit {

/// Creates an empty folder and removes it with its content in the destructor.
class Folder {
  public:
    Folder() : path_(testing::TempDir() + "/portsplit-XXXXXX") {
        if (::mkdtemp(path_.data()) == nullptr) path_.clear();
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }

    /// Returns the path of a name in the folder.
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// Returns the bytes of a file; empty if it cannot be read.
inline std::string content_of(const std::string& path) {
    std::ostringstream content;
    content << std::ifstream(path, std::ios::binary).rdbuf();
    return content.str();
}

}  // namespace portsplit
