#pragma once
// The layouts of the library (contrib/patterns/layouts) and the recordings of clients, as tests read them.
// Only for files that have PORTSPLIT_SOURCE_DIR.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "config/load.h"
#include "config/recording.h"
#include "core/layout.h"
#include "support/folder.h"
#include "support/issues_of.h"

namespace portsplit {

inline const std::filesystem::path kPatterns = PORTSPLIT_SOURCE_DIR "/contrib/patterns";

/// Returns the bytes of a recording: hex below a comment.
inline std::string recorded(const std::string& name) {
    return *config::read_recording(content_of(kPatterns / "recordings" / (name + ".hex")));
}

/// Compiles a layout of the library.
inline core::Layout library_layout(const std::string& name) {
    const config::Loaded loaded =
        config::read(content_of(kPatterns / "layouts" / (name + ".conf")) +
                         "[s]\nlayout = " + name + "\nexec = cat\n",
                     "f", config::Need::Services);
    EXPECT_THAT(config::texts_of(loaded.issues), ::testing::ElementsAre()) << name;
    return *core::Layout::compile(loaded.config->layouts.front());
}

}  // namespace portsplit
