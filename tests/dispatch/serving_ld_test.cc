// serving.ld names object files by hand. The linker ignores a name that no object has, and the gain in
// speed would be lost without a word: each of ours must have a source file that its library compiles.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "sys/file.h"

namespace portsplit::dispatch {
namespace {

const std::filesystem::path kSource = PORTSPLIT_SOURCE_DIR;

/// Returns the source files under src/ that a linker script names as `*libportsplit_ROOM.a:NAME.cc.o`.
std::vector<std::string> sources_named_in(const std::filesystem::path& script) {
    std::ifstream file(script);
    const std::regex pattern(R"(\*libportsplit_(\w+)\.a:(\S+)\.o\()");
    std::vector<std::string> sources;
    for (std::string line; std::getline(file, line);) {
        std::smatch parts;
        if (std::regex_search(line, parts, pattern))
            sources.push_back(parts.str(1) + "/" + parts.str(2));
    }
    return sources;
}

TEST(ServingLinkerScript, NamesOnlyObjectsThatExist) {
    const auto sources = sources_named_in(kSource / "dispatch/serving.ld");
    EXPECT_GE(sources.size(), 10U) << "the script names what serves a connection";
    for (const std::string& source : sources) {
        const std::filesystem::path path = kSource / source;
        EXPECT_TRUE(std::filesystem::exists(path)) << source;
        const auto lists = sys::read_file(path.parent_path() / "CMakeLists.txt");
        ASSERT_TRUE(lists) << source;
        const std::regex line("(^|\n)\\s*" + path.filename().string() + "\\s*[)\n]");
        EXPECT_TRUE(std::regex_search(*lists, line)) << source << " is not compiled";
    }
}

TEST(ServingLinkerScript, NamesEverySourceThatRunsForEachRelay) {
    const auto sources = sources_named_in(kSource / "dispatch/serving.ld");
    for (const char* name : {"zygote", "spares", "dispatcher", "sniff", "connect", "loop", "relay",
                             "flow", "store", "side"}) {
        const std::string source = std::string("dispatch/") + name + ".cc";
        EXPECT_NE(std::find(sources.begin(), sources.end(), source), sources.end()) << source;
    }
}

}  // namespace
}  // namespace portsplit::dispatch
