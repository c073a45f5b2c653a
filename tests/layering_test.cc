// The walls between the rooms of src/: the table `kRooms` has what each room may include, and the
// tests fail if a file includes anything else, has a bad form, or is missing in src/README.md. A new
// library, system header or permission is one word in the table, and a decision.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace portsplit {
namespace {

namespace fs = std::filesystem;

struct Room {
    std::string_view name;
    std::string_view may_include;
};

// A word of `may_include` permits:
//   core/     every header of that room
//   <fmt/>    every header of that library
//   <std>     the C++ standard library
//   <pure>    the C++ standard library without `kImpure`
//   <system>  the headers of POSIX and Linux, `kSystem`
//   another   that one header
// A file directly in src/ is a room of its own. PCRE2 and inet_pton(3) are in core/ because they only
// compute.
constexpr std::array kRooms{
    Room{"core", "core/ <pure> <pcre2.h> <arpa/inet.h>"},
    Room{"config", "core/ config/ <std> <libconfig.h> <fmt/>"},
    Room{"sys", "core/ sys/ <std> <system> <fmt/>"},
    Room{"daemon",
         "core/ config/ sys/ daemon/ config_file.h exit_codes.h handoff.h <std> <system> "
         "<fmt/> <systemd/>"},
    Room{"dispatch",
         "core/ config/ sys/ dispatch/ config_file.h exit_codes.h handoff.h <std> <system> <fmt/> "
         "<ares.h>"},
    Room{"cli",
         "core/ config/ sys/ cli/ config_file.h exit_codes.h <std> <system> <fmt/> <CLI/> "
         "<nlohmann/> <pcap/>"},
    Room{"handoff.h", "core/ sys/arrival.h <std> <system>"},
    Room{"manual", "core/ config/ manual/ <std> <fmt/>"},
    Room{"exit_codes.h", ""},
    Room{"config_file.h", "core/ config/ sys/ <std>"},
    Room{"config_file.cc", "config_file.h core/ config/ sys/ <std>"},
};

// Headers of the standard library for files, errno, signals, clocks and threads.
constexpr std::string_view kImpure =
    "<cerrno> <condition_variable> <csignal> <cstdio> <ctime> <filesystem> <fstream> <future> "
    "<iostream> <mutex> <shared_mutex> <stop_token> <syncstream> <system_error> <thread>";

// The headers of `<system>`. A header in no list is a library, and no room may include it.
constexpr std::string_view kSystem =
    "<arpa/> <asm/> <linux/> <net/> <netinet/> <sys/> <dirent.h> <errno.h> <fcntl.h> <getopt.h> "
    "<grp.h> <malloc.h> <netdb.h> <poll.h> <pty.h> <pwd.h> <sanitizer/asan_interface.h> <sched.h> "
    "<signal.h> <spawn.h> <stdlib.h> <sysexits.h> <syslog.h> <termios.h> <time.h> <unistd.h>";

// Names that fit any content, so that such a file would collect unrelated code.
constexpr std::string_view kNamesThatSayNothing = "common helper helpers misc util utils";

std::set<std::string> words(std::string_view text) {
    std::istringstream stream{std::string(text)};
    std::set<std::string> all;
    for (std::string word; stream >> word;) all.insert(word);
    return all;
}

bool is_standard(const std::string& include) {
    return include.front() == '<' && include.find_first_of("./") == std::string::npos;
}

/// Returns true if one of the permissions covers an include.
/// @param include  `<vector>`, or `core/plan.h` without its quotes
bool is_allowed(const std::string& include, std::string_view permissions) {
    const std::set<std::string> allowed = words(permissions);
    if (allowed.contains(include)) return true;
    if (allowed.contains("<std>") && is_standard(include)) return true;
    if (allowed.contains("<pure>") && is_standard(include)) {
        return !words(kImpure).contains(include);
    }
    if (allowed.contains("<system>") && is_allowed(include, kSystem)) return true;
    const std::string folder = include.substr(0, include.find('/') + 1);
    if (folder.empty()) return false;
    return allowed.contains(include.front() == '<' ? folder + ">" : folder);
}

/// A source file of src/.
struct Source {
    std::string path;                   ///< from src/
    std::vector<std::string> includes;  ///< `core/plan.h` or `<vector>`, in order
    bool has_pragma_once = false;

    std::string room() const { return path.substr(0, path.find('/')); }
    bool is_header() const { return path.ends_with(".h"); }
    std::string own_header() const { return fs::path(path).replace_extension(".h").string(); }
};

Source read(const fs::path& root, const fs::path& path) {
    Source source;
    source.path = path.lexically_relative(root).string();
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        std::erase_if(line, [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
        if (line == "#pragmaonce") source.has_pragma_once = true;
        if (!line.starts_with("#include")) continue;
        const std::size_t begin = line.find_first_of("\"<");
        const std::size_t end = line.find_first_of("\">", begin + 1);
        if (begin == std::string::npos || end == std::string::npos) {
            source.includes.push_back(line);  // a macro, which no permission covers
        } else if (line[begin] == '"') {
            source.includes.push_back(line.substr(begin + 1, end - begin - 1));
        } else {
            source.includes.push_back(line.substr(begin, end - begin + 1));
        }
    }
    return source;
}

std::vector<Source> read_all(const fs::path& root) {
    std::vector<Source> sources;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        const std::string extension = entry.path().extension().string();
        if (extension != ".h" && extension != ".cc") continue;
        sources.push_back(read(root, entry.path()));
    }
    std::sort(sources.begin(), sources.end(),
              [](const Source& a, const Source& b) { return a.path < b.path; });
    return sources;
}

using Problems = std::vector<std::string>;

void check_includes(const Source& source, Problems& problems) {
    const auto room = std::find_if(kRooms.begin(), kRooms.end(),
                                   [&](const Room& it) { return it.name == source.room(); });
    if (room == kRooms.end()) {
        problems.push_back(source.path + ": is in no room");
        return;
    }
    for (const std::string& include : source.includes) {
        if (include.find("..") != std::string::npos) {
            problems.push_back(source.path + ": includes " + include + ", which climbs");
        } else if (!is_allowed(include, room->may_include)) {
            problems.push_back(source.path + ": " + std::string(room->name) + " may not include " +
                               include);
        }
    }
}

void check_form(const Source& source, const std::set<std::string>& paths, Problems& problems) {
    if (words(kNamesThatSayNothing).contains(fs::path(source.path).stem().string())) {
        problems.push_back(source.path + ": has a vague name");
    }
    if (source.is_header()) {
        if (!source.has_pragma_once) problems.push_back(source.path + ": lacks #pragma once");
    } else if (paths.contains(source.own_header()) &&
               (source.includes.empty() || source.includes.front() != source.own_header())) {
        problems.push_back(source.path + ": does not include its own header first");
    }
}

/// Finds rooms that include each other, directly or through others. Removes rooms that include no
/// remaining room, or that no remaining room includes, until none can be removed. The rest is a
/// circle.
void check_circles(const std::vector<Source>& sources, Problems& problems) {
    std::map<std::string, std::set<std::string>> includes;
    for (const Source& source : sources) {
        for (const std::string& include : source.includes) {
            const std::string room = include.substr(0, include.find('/'));
            if (room != source.room()) includes[source.room()].insert(room);
        }
    }
    const auto leads_nowhere = [&](const auto& room) {
        return std::none_of(room.second.begin(), room.second.end(),
                            [&](const std::string& other) { return includes.contains(other); });
    };
    const auto nothing_leads_to = [&](const auto& room) {
        return std::none_of(includes.begin(), includes.end(),
                            [&](const auto& other) { return other.second.contains(room.first); });
    };
    while (std::erase_if(includes, leads_nowhere) + std::erase_if(includes, nothing_leads_to) > 0) {
    }
    if (includes.empty()) return;
    std::string circle;
    for (const auto& [room, others] : includes) circle += (circle.empty() ? "" : ", ") + room;
    problems.push_back("rooms include each other in a circle: " + circle);
}

/// The names in src/README.md between backquotes, by the room whose section they are in; "" is the
/// part before the first section.
struct Map {
    std::map<std::string, std::set<std::string>> names;
    std::map<std::string, std::set<std::string>> rows;  ///< those in the first column of a table
};

Map read_map(const fs::path& path) {
    Map map;
    std::string room;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("## ")) room = line.substr(3, line.find(' ', 3) - 3);
        const std::size_t column = line.starts_with("| `") ? line.find('|', 1) : 0;
        for (std::size_t at = line.find('`'); at != std::string::npos;) {
            const std::size_t end = line.find('`', at + 1);
            if (end == std::string::npos) break;
            const std::string name = line.substr(at + 1, end - at - 1);
            map.names[room].insert(name);
            if (at < column) map.rows[room].insert(name);
            at = line.find('`', end + 1);
        }
    }
    return map;
}

/// Every difference between a source tree and the map in its README.md: a file without a name there
/// (with or without its extension), and a row without a file.
Problems differences_from_map(const fs::path& root) {
    const Map map = read_map(root / "README.md");
    Problems problems;
    for (const Source& source : read_all(root)) {
        const fs::path path = source.path;
        const auto section = map.names.find(path.parent_path().string());
        if (section != map.names.end() && (section->second.contains(path.filename().string()) ||
                                           section->second.contains(path.stem().string()))) {
            continue;
        }
        problems.push_back(source.path + ": is not in the map");
    }
    for (const auto& [room, names] : map.rows) {
        for (const std::string& name : names) {
            if (name.ends_with("/") || name.find('*') != std::string::npos) continue;
            const std::string path = (root / room / name).string();
            if (fs::exists(path) || fs::exists(path + ".h") || fs::exists(path + ".cc")) continue;
            std::string& problem = problems.emplace_back(room);
            problem.append("/").append(name).append(": is in the map, but there is no such file");
        }
    }
    return problems;
}

/// Returns every problem of a source tree, in the order of its paths.
Problems problems_in(const fs::path& root) {
    const std::vector<Source> sources = read_all(root);
    std::set<std::string> paths;
    for (const Source& source : sources) paths.insert(source.path);
    Problems problems;
    for (const Source& source : sources) {
        check_includes(source, problems);
        check_form(source, paths, problems);
    }
    check_circles(sources, problems);
    return problems;
}

// The files that read the wall clock: for the date of a log line, and for a number that is unique.
constexpr std::string_view kReadWallClock = "dispatch/proxy_out.cc sys/clock.h sys/log.cc";

/// Returns every other file that reads the wall clock. Its time may be set while the program runs, so no
/// deadline and no pause may depend on it.
Problems readers_of_wall_clock(const fs::path& root) {
    Problems problems;
    for (const Source& source : read_all(root)) {
        std::stringstream text;
        text << std::ifstream(root / source.path).rdbuf();
        for (const char* word :
             {"system_clock", "utc_clock", "CLOCK_REALTIME", " ::time(", "(::time(", "std::time(",
              "gettimeofday(", "pthread_cond_timedwait"}) {
            if (text.str().find(word) == std::string::npos) continue;
            if (words(kReadWallClock).contains(source.path)) continue;
            problems.push_back(source.path + ": reads the wall clock by " + word);
        }
    }
    return problems;
}

TEST(Layering, EveryIncludeStaysInsideItsWalls) {
    const fs::path root = PORTSPLIT_SOURCE_DIR;
    ASSERT_FALSE(read_all(root).empty()) << root;
    for (const std::string& problem : problems_in(root)) ADD_FAILURE() << problem;
}

TEST(Layering, TheMapNamesEveryFile) {
    for (const std::string& problem : differences_from_map(PORTSPLIT_SOURCE_DIR)) {
        ADD_FAILURE() << "src/README.md: " << problem;
    }
}

// fault: C13
TEST(Layering, NoDeadlineDependsOnTheWallClock) {
    for (const std::string& problem : readers_of_wall_clock(PORTSPLIT_SOURCE_DIR)) {
        ADD_FAILURE() << problem;
    }
}

// The tests below build small source trees, each with one fault, to check that the tests above can
// fail.

class Tree : public testing::Test {
  protected:
    Tree() {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        root_ = fs::path(testing::TempDir()) /
                ("portsplit-layering-" + std::to_string(getpid()) + "-" + test->name());
        fs::create_directories(root_);
    }
    ~Tree() override { fs::remove_all(root_); }

    void write(const std::string& path, const std::string& text) const {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text;
    }
    void header(const std::string& path, const std::string& text) const {
        write(path, "#pragma once\n" + text);
    }
    Problems problems() const { return problems_in(root_); }
    Problems differences() const { return differences_from_map(root_); }
    const fs::path& root() const { return root_; }

  private:
    fs::path root_;
};

using LayeringCheck = Tree;

TEST_F(LayeringCheck, AcceptsATreeThatKeepsTheRules) {
    header("core/plan.h", "#include <vector>\n");
    write("core/plan.cc", "// The plan.\n#include \"core/plan.h\"\n#include <algorithm>\n");
    header("sys/fd.h", "#include <unistd.h>\n#  include \"core/plan.h\"\n");
    header("handoff.h",
           "#include <netinet/in.h>\n#include <cstdint>\n#include \"core/verdict.h\"\n");
    write("dispatch/main.cc", "#include <ares.h>\n#include \"handoff.h\"\n");
    write("daemon/main.cc", "#include <systemd/sd-daemon.h>\n#include \"handoff.h\"\n");
    write("cli/main.cc", "#include <CLI/CLI.hpp>\n#include <nlohmann/json.hpp>\n");
    header("exit_codes.h", "");
    header("config_file.h", "#include \"config/load.h\"\n#include \"sys/log.h\"\n");
    write("config_file.cc", "#include \"config_file.h\"\n#include <utility>\n");
    write("manual/key_table_main.cc", "#include <fmt/core.h>\n#include \"config/key_table.h\"\n");
    EXPECT_EQ(problems(), Problems{});
}

TEST_F(LayeringCheck, FailsWhenCoreIsNotPure) {
    write("core/plan.cc",
          "#include <unistd.h>\n#include <cerrno>\n#include <fmt/core.h>\n#include \"sys/fd.h\"\n");
    EXPECT_EQ(problems(), (Problems{"core/plan.cc: core may not include <unistd.h>",
                                    "core/plan.cc: core may not include <cerrno>",
                                    "core/plan.cc: core may not include <fmt/core.h>",
                                    "core/plan.cc: core may not include sys/fd.h"}));
}

TEST_F(LayeringCheck, FailsWhenARoomIncludesAHigherRoom) {
    write("config/a.cc", "#include \"sys/fd.h\"\n#include <sys/socket.h>\n");
    write("sys/a.cc", "#include \"config/option.h\"\n#include \"handoff.h\"\n");
    EXPECT_EQ(problems(), (Problems{"config/a.cc: config may not include sys/fd.h",
                                    "config/a.cc: config may not include <sys/socket.h>",
                                    "sys/a.cc: sys may not include config/option.h",
                                    "sys/a.cc: sys may not include handoff.h",
                                    "rooms include each other in a circle: config, sys"}));
}

TEST_F(LayeringCheck, FailsWhenTheTwoProgramsMeetOutsideTheContract) {
    write("dispatch/a.cc", "#include \"daemon/accept.h\"\n");
    write("daemon/a.cc", "#include \"dispatch/sniff.h\"\n#include <ares.h>\n");
    header("handoff.h", "#include \"sys/fd.h\"\n");
    EXPECT_EQ(problems(), (Problems{"daemon/a.cc: daemon may not include dispatch/sniff.h",
                                    "daemon/a.cc: daemon may not include <ares.h>",
                                    "dispatch/a.cc: dispatch may not include daemon/accept.h",
                                    "handoff.h: handoff.h may not include sys/fd.h",
                                    "rooms include each other in a circle: daemon, dispatch"}));
}

TEST_F(LayeringCheck, FailsWhenAFileOfTheTopDoesMoreThanItIsFor) {
    header("exit_codes.h", "#include <string>\n");
    header("config_file.h", "#include \"handoff.h\"\n#include <unistd.h>\n");
    write("config_file.cc", "#include \"config_file.h\"\n#include \"daemon/options.h\"\n");
    EXPECT_EQ(problems(),
              (Problems{"config_file.cc: config_file.cc may not include daemon/options.h",
                        "config_file.h: config_file.h may not include handoff.h",
                        "config_file.h: config_file.h may not include <unistd.h>",
                        "exit_codes.h: exit_codes.h may not include <string>"}));
}

TEST_F(LayeringCheck, FailsWhenAProgramOfTheManualTouchesTheSystem) {
    write("manual/a.cc",
          "#include \"sys/file.h\"\n#include \"cli/output.h\"\n#include <pcap/pcap.h>\n");
    write("cli/a.cc", "#include \"manual/pattern_entry.h\"\n#include \"handoff.h\"\n");
    EXPECT_EQ(problems(), (Problems{"cli/a.cc: cli may not include manual/pattern_entry.h",
                                    "cli/a.cc: cli may not include handoff.h",
                                    "manual/a.cc: manual may not include sys/file.h",
                                    "manual/a.cc: manual may not include cli/output.h",
                                    "manual/a.cc: manual may not include <pcap/pcap.h>",
                                    "rooms include each other in a circle: cli, manual"}));
}

TEST_F(LayeringCheck, FailsWhenTheMapLacksAFile) {
    header("core/plan.h", "");
    write("core/plan.cc", "");
    header("core/bytes.h", "");
    write("sys/fd.h", "");
    header("handoff.h", "");
    write("main.cc", "");
    write(
        "README.md",
        "| `core/` | `handoff.h` |\n## core — pure\n| `plan` | a plan |\n| `bytes.h`, `hex` | |\n");
    EXPECT_EQ(differences(), (Problems{"main.cc: is not in the map", "sys/fd.h: is not in the map",
                                       "core/hex: is in the map, but there is no such file"}));
}

TEST_F(LayeringCheck, FailsWhenAnotherFileReadsTheWallClock) {
    write("sys/log.cc", "auto now = std::time(nullptr);\n");
    write("sys/pause.cc", "using Clock = std::chrono::system_clock;\n");
    write("daemon/stall.cc", "std::chrono::steady_clock::now();\n");
    EXPECT_EQ(readers_of_wall_clock(root()),
              Problems{"sys/pause.cc: reads the wall clock by system_clock"});
}

TEST_F(LayeringCheck, FailsWhenAThirdRoomClosesTheCircle) {
    write("core/a.cc", "#include \"sys/a.h\"\n");
    write("sys/a.cc", "#include \"config/a.h\"\n");
    write("config/a.cc", "#include \"core/a.h\"\n");
    write("cli/a.cc", "#include \"core/a.h\"\n");
    EXPECT_EQ(problems().back(), "rooms include each other in a circle: config, core, sys");
}

TEST_F(LayeringCheck, FailsWhenAHeaderIsInNoList) {
    write("sys/a.cc", "#include <openssl/ssl.h>\n#include \"a.h\"\n#include HEADER\n");
    EXPECT_EQ(problems(), (Problems{"sys/a.cc: sys may not include <openssl/ssl.h>",
                                    "sys/a.cc: sys may not include a.h",
                                    "sys/a.cc: sys may not include #includeHEADER"}));
}

TEST_F(LayeringCheck, FailsWhenAnIncludeClimbs) {
    write("sys/a.cc", "#include \"../core/plan.h\"\n#include \"core/../config/option.h\"\n");
    EXPECT_EQ(problems(), (Problems{"sys/a.cc: includes ../core/plan.h, which climbs",
                                    "sys/a.cc: includes core/../config/option.h, which climbs"}));
}

TEST_F(LayeringCheck, FailsWhenAHeaderCanBeIncludedTwice) {
    write("core/a.h", "// No guard.\n");
    EXPECT_EQ(problems(), (Problems{"core/a.h: lacks #pragma once"}));
}

TEST_F(LayeringCheck, FailsWhenAFileDoesNotIncludeItsOwnHeaderFirst) {
    header("core/a.h", "");
    write("core/a.cc", "#include <vector>\n#include \"core/a.h\"\n");
    EXPECT_EQ(problems(), (Problems{"core/a.cc: does not include its own header first"}));
}

TEST_F(LayeringCheck, FailsWhenANameIsVague) {
    header("sys/util.h", "");
    write("core/helpers.cc", "");
    EXPECT_EQ(problems(),
              (Problems{"core/helpers.cc: has a vague name", "sys/util.h: has a vague name"}));
}

TEST_F(LayeringCheck, FailsWhenAFileIsInNoRoom) {
    header("common/a.h", "");
    write("main.cc", "");
    EXPECT_EQ(problems(), (Problems{"common/a.h: is in no room", "main.cc: is in no room"}));
}

}  // namespace
}  // namespace portsplit
