#include "daemon/reader.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "config/packed.h"
#include "support/child.h"
#include "support/folder.h"
#include "support/log_of_lines.h"
#include "support/loopback.h"
#include "support/zygotes.h"
#include "sys/file.h"
#include "sys/process.h"

namespace portsplit::daemon {
namespace {

using Read = core::Result<std::shared_ptr<const Reading>, Unread>;

std::ptrdiff_t descriptors_of(pid_t process) {
    const std::string folder = "/proc/" + std::to_string(process) + "/fd";
    return std::distance(std::filesystem::directory_iterator(folder), {});
}

class ReaderTest : public testing::Test {
  protected:
    void write(const std::string& text) { std::ofstream(path()) << text; }
    std::string path() const { return folder_ / "portsplit.conf"; }

    /// Reads the file to the end.
    Read read(config::Need need = config::Need::Listeners, std::size_t memory = kReaderMemory) {
        auto reader = Reader::start(path(), need, log_.log(), memory);
        EXPECT_TRUE(reader);
        const int status = sys::wait_for_child(reader->pid());
        return reader->finish(status, log_.log());
    }
    std::string log() { return log_.lines(); }
    sys::Log& log_of_lines() { return log_.log(); }

  private:
    Folder folder_;
    LogOfLines log_;
};

constexpr const char* kConfig =
    "bind = 127.0.0.1:443\nmaxconn = 7\n[one]\nstring = one\nconnect = 127.0.0.1:9\n";

TEST_F(ReaderTest, ReturnsTheConfigurationWithoutItsServices) {
    write(kConfig);
    const Read reading = read();
    ASSERT_TRUE(reading) << log();
    EXPECT_EQ((*reading)->config.maxconn, 7U);
    ASSERT_EQ((*reading)->config.top.bind.size(), 1U);
    EXPECT_EQ((*reading)->config.top.bind[0], (core::Endpoint{"127.0.0.1", 443}));
    EXPECT_TRUE((*reading)->config.services.empty());
    EXPECT_EQ((*reading)->user.has_value(), ::geteuid() == 0) << "of root, somebody without rights";
    EXPECT_EQ(log(), "");
}

TEST_F(ReaderTest, PacksTheWholeConfigurationInSealedMemory) {
    write(kConfig);
    const Read reading = read();
    ASSERT_TRUE(reading);
    const int fd = (*reading)->packed.get();
    const auto packed = sys::read_memory(fd);
    ASSERT_TRUE(packed);
    const auto config = config::unpack(*packed, config::Need::Services);
    ASSERT_TRUE(config);
    ASSERT_EQ(config->services.size(), 1U);
    EXPECT_EQ(config->services[0].name, "one");
    EXPECT_EQ(::ftruncate(fd, 0), -1);
}

TEST_F(ReaderTest, LogsTheProblemsOfTheFile) {
    write(std::string(kConfig) + "colour = red\n");
    const Read reading = read();
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().exit_code, 78);
    EXPECT_EQ(log().substr(0, path().size() + 24), path() + ":6: unknown key colour; ");
}

TEST_F(ReaderTest, CountsTheProblemsOfTheFile) {
    write(std::string(kConfig) + "colour = red\nflavour = sweet\n");
    EXPECT_EQ(read().error().problems, 2U);
    write("user = no-such-user\n" + std::string(kConfig));
    EXPECT_EQ(read().error().problems, 1U);
}

TEST_F(ReaderTest, LogsAWarningForAMissingProgramOnly) {
    write("bind = 127.0.0.1:443\n[one]\nstring = one\nexec = /no/such/program\n");
    EXPECT_TRUE(read());
    EXPECT_NE(log().find("/no/such/program"), std::string::npos);
}

TEST_F(ReaderTest, NeedsNoBindWhenTheListenersWerePassed) {
    write("[one]\nstring = one\nconnect = 127.0.0.1:9\n");
    EXPECT_EQ(read(config::Need::Listeners).error().exit_code, 78);
    EXPECT_TRUE(read(config::Need::Services));
}

TEST_F(ReaderTest, FailsWithoutAFile) {
    const Read reading = read();
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().exit_code, 78);
    EXPECT_EQ(reading.error().problems, 0U);
    EXPECT_EQ(log(), "cannot read " + path() + ": No such file or directory\n");
}

TEST_F(ReaderTest, LooksUpTheUserAndAllItsGroups) {
    write("user = nobody\n" + std::string(kConfig));
    const Read reading = read();
    ASSERT_TRUE(reading);
    if (::geteuid() != 0) {
        EXPECT_FALSE((*reading)->user);
        EXPECT_EQ(log(), "warning: user and group are ignored: only root can change them\n");
        return;
    }
    ASSERT_TRUE((*reading)->user);
    const auto expected = sys::find_user("nobody", "");
    EXPECT_EQ((*reading)->user->uid, expected->uid);
    EXPECT_EQ((*reading)->user->gid, expected->gid);
    EXPECT_EQ((*reading)->user->groups, expected->groups);
}

TEST_F(ReaderTest, RefusesAnUnknownUser) {
    write("user = no-such-user\n" + std::string(kConfig));
    EXPECT_EQ(read().error().exit_code, 78);
    EXPECT_NE(log().find("user = no-such-user: no such user"), std::string::npos);
}

#if !defined(__SANITIZE_ADDRESS__)  // it reserves more memory than any limit
// fault: A3, G2
TEST_F(ReaderTest, LimitsItsMemory) {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const std::size_t used = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    write("# " + std::string(std::size_t{32} << 20, 'x') + "\n" + kConfig);
    const Read reading = read(config::Need::Listeners, used + (std::size_t{16} << 20));
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().exit_code, 71);
    const std::string lines = log();
    EXPECT_TRUE(lines.starts_with("cannot read " + path() + ": it needs more than ")) << lines;
    EXPECT_TRUE(lines.ends_with(" MiB of memory\n")) << lines;
}
#endif

// fault: G2
TEST_F(ReaderTest, ReportsAReaderThatCrashed) {
    write(kConfig);
    auto reader = Reader::start(path(), config::Need::Listeners, log_of_lines());
    ASSERT_TRUE(reader);
    (void)sys::wait_for_child(reader->pid());
    EXPECT_EQ(reader->finish(SIGSEGV, log_of_lines()).error().exit_code, 71);
    EXPECT_EQ(log(), "cannot read " + path() + ": the process that reads it ended (signal=SEGV)\n");
}

TEST_F(ReaderTest, EndsWithTheDaemonAndKeepsNoneOfItsDescriptors) {
    std::string text = "bind = 127.0.0.1:443\ntimeout = 0\n";
    for (int i = 0; i < 5000; ++i) {
        const std::string name = std::to_string(i);
        text.append("[").append(name).append("]\nstring = ").append(name);
        text.append("-\nexec = /bin/cat\n");
    }
    write(text);
    loopback::Child daemon([&] {
        auto reader = Reader::start(path(), config::Need::Listeners, log_of_lines());
        // It logs the warning about `timeout` first, and then works for some more milliseconds.
        if (!loopback::comes_true([&] { return !log().empty(); })) return 1;
        ::kill(reader->pid(), SIGSTOP);
        std::ofstream(path()) << reader->pid() << ' ' << descriptors_of(reader->pid());
        return 0;
    });
    ASSERT_EQ(daemon.status(), 0);
    pid_t reader = 0;
    std::size_t descriptors = 0;
    std::ifstream(path()) >> reader >> descriptors;
    ASSERT_GT(reader, 0);
    EXPECT_EQ(descriptors, 6U) << "0, 1, 2, the log and what it writes";
    EXPECT_TRUE(loopback::comes_true([&] {
        (void)sys::reap();  // it may have become a child of this process
        return ::kill(reader, 0) < 0;
    }));
}

}  // namespace
}  // namespace portsplit::daemon
