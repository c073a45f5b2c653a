#pragma once
// The files that a configuration may include, as this system has them, for every program that reads
// one: config/ opens no file, sys/ knows no configuration.

#include <string>
#include <utility>

#include "config/include.h"
#include "sys/file.h"
#include "sys/process.h"

namespace portsplit {

/// @param patterns  where the library of patterns is installed, from the folder of the program
inline config::Files included_files(const std::string& patterns) {
    const auto read = [](const std::string& path) -> core::Result<std::string, config::Unreadable> {
        auto text = sys::read_file(path);
        if (!text) return config::Unreadable{sys::to_string(text.error())};
        return *std::move(text);
    };
    // As built, all programs lie in one folder; else each where it is installed.
    return {.read = read,
            .names = sys::names_in,
            .library = sys::beside_own({"../share/portsplit/patterns", patterns})};
}

}  // namespace portsplit
