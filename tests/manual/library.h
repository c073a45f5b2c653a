#pragma once
// The library of patterns (contrib/patterns) and its recordings, as the tests of it read them. Only for
// the files of this folder that have PORTSPLIT_SOURCE_DIR.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/recording.h"
#include "core/plan.h"
#include "core/verdict.h"
#include "dispatch/shared_plan.h"
#include "manual/layout_entry.h"
#include "manual/pattern_entry.h"

namespace portsplit::manual {

namespace fs = std::filesystem;

struct Recording {
    std::string client;
    std::string bytes;
};

struct Known {
    std::string name;
    PatternEntry entry;
    std::vector<Recording> recordings;
};

/// Returns the files of a folder with this extension, sorted by name.
inline std::vector<fs::path> files_in(const fs::path& folder, const char* ending) {
    std::vector<fs::path> paths;
    for (const fs::directory_entry& item : fs::directory_iterator(folder)) {
        if (item.path().extension() == ending) paths.push_back(item.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

inline std::string content(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

inline const fs::path kLibrary = PORTSPLIT_SOURCE_DIR "/contrib/patterns";
inline const fs::path kRecordings = PORTSPLIT_SOURCE_DIR "/contrib/patterns/recordings";

/// Reads all entries, sorted by name. Of two that overlap, the narrower is first.
inline std::vector<Known> read_library() {
    std::vector<Known> library;
    for (const fs::path& path : files_in(kLibrary, ".conf")) {
        auto entry = read_pattern_entry(content(path), path.string());
        if (!entry) {
            ADD_FAILURE() << entry.error();
            continue;
        }
        Known known{path.stem().string(), *std::move(entry), {}};
        if (fs::exists(kRecordings / known.name)) {
            for (const fs::path& recording : files_in(kRecordings / known.name, ".hex")) {
                const auto bytes = config::read_recording(content(recording));
                if (!bytes) ADD_FAILURE() << recording << ": " << bytes.error().text;
                known.recordings.push_back({recording.stem(), bytes ? *bytes : ""});
            }
        }
        library.push_back(std::move(known));
    }
    return library;
}

/// Reads a layout of the library.
inline LayoutEntry read_layout(const std::string& name) {
    const fs::path path = kLibrary / "layouts" / (name + ".conf");
    auto entry = read_layout_entry(content(path), path.string());
    if (!entry) throw std::runtime_error(entry.error());
    return *std::move(entry);
}

/// As a zygote has it: in shared memory.
inline dispatch::SharedPlan plan_of(const std::vector<const Known*>& entries) {
    core::Config config;
    for (const Known* known : entries) config.services.push_back(known->entry.service);
    config.services.push_back({core::kFallback, {}, {}});
    config.services.push_back({core::kTimeout, {}, {}});
    return *dispatch::SharedPlan::build(config);
}

inline std::vector<const Known*> pointers(const std::vector<Known>& library) {
    std::vector<const Known*> all;
    all.reserve(library.size());
    for (const Known& known : library) all.push_back(&known);
    return all;
}

/// Decides after each byte, as if more follow. Returns `SERVICE REASON` at the byte that decides, or
/// `undecided`. Later bytes cannot change a verdict (verdict_exhaustive_test.cc).
inline std::string way_of(const core::Plan& plan, std::string_view bytes) {
    for (std::size_t count = 0; count <= bytes.size(); ++count) {
        const auto verdict =
            core::decide(plan, core::as_bytes(bytes.substr(0, count)), core::Ending::Open);
        if (!verdict) continue;
        const core::Text name = verdict->service ? plan.service(*verdict->service).name : "none";
        return std::string(name) + " " + std::string(core::to_string(verdict->reason));
    }
    return "undecided";
}

}  // namespace portsplit::manual
