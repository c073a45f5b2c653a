// The layout postgresql beside a PostgreSQL server, whose log says which user and database it read.
//
// PORTSPLIT_MUTANTS is the number of startup messages.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "judges/client_hello.h"
#include "judges/layout_reader.h"
#include "judges/server_process.h"

namespace portsplit::judges {
namespace {

using namespace std::string_literals;

/// Debian keeps the programs of the server apart, by version.
std::string server_program(const std::string& name) {
    std::vector<std::string> paths;
    std::error_code ignored;
    for (const auto& version :
         std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
        const auto path = version.path() / "bin" / name;
        if (std::filesystem::exists(path)) paths.push_back(path);
    }
    std::sort(paths.begin(), paths.end());
    return paths.empty() ? name : paths.back();
}

class PostgresqlJudge {
  public:
    PostgresqlJudge() {
        const bool is_ready = loopback::comes_true([&] {
            return server_.answer_to({startup({{"user", "judge"}})}, true).starts_with('R');
        });
        EXPECT_TRUE(is_ready) << server_.output();
    }

    using Parameters = std::vector<std::pair<std::string, std::string>>;
    static std::string startup(const Parameters& parameters,
                               const std::string& version = "\0\3\0\0"s) {
        std::string body = version;
        for (const auto& [key, value] : parameters) {
            for (const std::string& text : {key, value}) body.append(text).push_back('\0');
        }
        body += '\0';
        return number(4, body.size() + 4) + body;
    }

    struct Names {
        bool is_read = false;
        std::string user;
        std::string database;
    };
    Names judge(const Segments& segments) {
        (void)server_.new_output();
        (void)server_.answer_to(segments, true);
        const std::string log = server_.new_output();
        const std::size_t end = log.find("\3LOG:  connection authorized: ");
        if (end == std::string::npos) return {};
        const std::size_t middle = log.rfind('\2', end);
        const std::size_t begin = log.rfind('\1', middle) + 1;
        return {true, log.substr(begin, middle - begin), log.substr(middle + 1, end - middle - 1)};
    }

  private:
    /// Makes a cluster and returns the command of its server.
    static std::vector<std::string> command(const Folder& folder) {
        give_to_nobody(folder);
        const std::string data = folder / "data";
        EXPECT_TRUE(run_program({server_program("initdb"), "-D", data, "-A", "trust", "-U", "judge",
                                 "-N", "--no-locale", "-E", "UTF8"},
                                folder / "initdb", kNobody))
            << content_of(folder / "initdb");
        std::vector<std::string> words{server_program("postgres"), "-D", data};
        for (const std::string& setting :
             {"listen_addresses="s, "unix_socket_directories=" + folder.path(),
              "log_connections=on"s, "log_line_prefix=\1%u\2%d\3"s, "fsync=off"s, "autovacuum=off"s,
              "max_connections=10"s, "shared_buffers=1MB"s}) {
            words.insert(words.end(), {"-c", setting});
        }
        return words;
    }

    Folder folder_;
    ServerProcess server_{folder_, command(folder_), ".s.PGSQL.5432", SIGINT, kNobody};
};

class StartupMessages {
  public:
    explicit StartupMessages(Random& random) : random_(random) {}

    std::string make() {
        PostgresqlJudge::Parameters parameters;
        if (below(random_, 20) > 0) parameters.emplace_back("user", name());
        if (below(random_, 3) > 0) parameters.emplace_back("database", name());
        if (below(random_, 20) == 0) parameters.emplace_back("database", name());
        static const std::vector<std::pair<std::string, std::string>> kOthers{
            {"application_name", "psql"},
            {"client_encoding", "UTF8"},
            {"options", "-c geqo=off"},
            {"DateStyle", "ISO"},
            {"replication", "false"},
            {"User", "other"},
            {"users", "database"},
            {"databases", "user"},
            {"_pq_.judge", "1"},
            {"search_path", ""},
            {"", "x"}};
        for (std::size_t left = below(random_, 4); left > 0; --left)
            parameters.push_back(one_of(kOthers, random_));
        if (below(random_, 20) == 0)
            parameters.emplace_back("application_name",
                                    std::string(9'890 + below(random_, 80), 'a'));
        std::shuffle(parameters.begin(), parameters.end(), random_);
        static const std::vector<std::string> kVersions{"\0\3\0\1"s, "\0\3\0\2"s, "\0\3\x27\x0f"s,
                                                        "\0\2\0\0"s, "\0\4\0\0"s};
        const bool is_usual = below(random_, 4) > 0;
        std::string message = PostgresqlJudge::startup(
            parameters, is_usual ? "\0\3\0\0"s : one_of(kVersions, random_));
        if (below(random_, 3) == 0) change(message);
        return message;
    }

  private:
    std::string name() {
        static const std::vector<std::string> kNames{
            "judge", "postgres", "Sales", "user", "database", "", "a b", "b\303\274cher", "app-1"};
        return below(random_, 6) > 0 ? one_of(kNames, random_)
                                     : std::string(1 + below(random_, 100), 'n');
    }

    void change(std::string& message) {
        switch (below(random_, 5)) {
            case 0:
                message[below(random_, message.size())] = random_byte(random_);
                return;
            case 1:
                message.erase(below(random_, message.size()), 1);
                message.replace(0, 4, number(4, message.size()));
                return;
            case 2:
                message.insert(8 + below(random_, message.size() - 8), 1,
                               below(random_, 2) == 0 ? '\0' : 'x');
                message.replace(0, 4, number(4, message.size()));
                return;
            case 3:
                message.replace(0, 4, number(4, message.size() + below(random_, 9) - 4));
                return;
            default:
                message += random_bytes(random_, 1 + below(random_, 9));
        }
    }

    Random& random_;
};

/// Returns true if a message has the user or the database twice. PostgreSQL takes the last, the layout the
/// first (portsplit.conf(5), LAYOUTS). No client sends that.
bool says_twice(const std::string& message) {
    std::map<std::string, int> times;
    for (std::size_t at = 8; at < message.size();) {
        const std::string key = message.c_str() + at;
        at += key.size() + 1;
        if (key.empty() || at >= message.size()) break;
        ++times[key];
        at += std::string(message.c_str() + at).size() + 1;
    }
    return times["user"] > 1 || times["database"] > 1;
}

TEST(PostgresqlJudge, ReadsTheUserAndTheDatabaseThatTheLayoutReads) {
    constexpr std::size_t kLongestName = 63;  // PostgreSQL cuts longer ones (NAMEDATALEN)
    const LayoutReader layout("postgresql");
    PostgresqlJudge postgresql;
    Random random(1);  // NOLINT(cert-msc51-cpp): the same messages in each run
    StartupMessages messages(random);
    std::size_t accepted = 0;
    std::size_t refused = 0;
    std::size_t fits = 0;
    for (std::size_t left = mutants_wanted(120); left > 0; --left) {
        const std::string stream = messages.make();
        const Segments segments = in_few_segments(stream, random);
        const Reading reading = layout.read(segments);
        const PostgresqlJudge::Names names = postgresql.judge(segments);
        ++(names.is_read ? accepted : refused);
        if (!names.is_read) {
            fits += reading.fits() ? 1U : 0U;
            continue;
        }
        if (says_twice(stream)) continue;
        const std::string user = reading.value("user");
        const std::string database =
            reading.value("database").empty() ? user : reading.value("database");
        const bool agrees = reading.fits() && user.substr(0, kLongestName) == names.user &&
                            database.substr(0, kLongestName) == names.database;
        EXPECT_TRUE(agrees) << "PostgreSQL: user " << names.user << ", database " << names.database
                            << "\nthe layout: " << reading
                            << "\nthe stream: " << testing::PrintToString(stream.substr(0, 300));
    }
    std::cout << "PostgreSQL accepted " << accepted << ", refused " << refused
              << " (which fit the layout: " << fits << ")\n";
    EXPECT_GT(3 * accepted, refused);
}

}  // namespace
}  // namespace portsplit::judges
