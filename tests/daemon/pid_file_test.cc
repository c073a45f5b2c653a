#include "daemon/pid_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/child.h"
#include "support/folder.h"

namespace {

/// What happens between the open(2) and the next flock(2) of this program; once.
std::function<void()> before_flock;

}  // namespace

/// Takes the place of the C library's.
extern "C" int flock(int fd, int operation) noexcept {
    if (const auto before = std::exchange(before_flock, nullptr)) before();
    return static_cast<int>(::syscall(SYS_flock, fd, operation));
}

namespace portsplit::daemon {
namespace {

namespace fs = std::filesystem;

std::string own_line() { return std::to_string(::getpid()) + "\n"; }

std::string error_of(const sys::Result<PidFile>& result) {
    return result ? "no error" : sys::to_string(result.error());
}

class PidFileTest : public testing::Test {
  protected:
    const std::string& path() const { return path_; }

  private:
    Folder folder_;
    std::string path_ = folder_ / "portsplit.pid";
};

TEST_F(PidFileTest, HoldsTheProcessIdUntilItIsDestroyed) {
    {
        const auto file = PidFile::create(path());
        ASSERT_TRUE(file) << error_of(file);
        EXPECT_EQ(file->path(), path());
        EXPECT_EQ(content_of(path()), own_line());
    }
    EXPECT_FALSE(fs::exists(path()));
}

TEST_F(PidFileTest, IsReadableByAllUsers) {
    ::umask(022);
    const auto file = PidFile::create(path());
    struct stat status {};
    ASSERT_EQ(::stat(path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0644U);
}

TEST_F(PidFileTest, RefusesASecondHolder) {
    const auto first = PidFile::create(path());
    ASSERT_TRUE(first);
    const auto second = PidFile::create(path());
    EXPECT_EQ(error_of(second),
              "another portsplitd holds the pid file " + path() + ": File exists");
    EXPECT_EQ(content_of(path()), own_line()) << "untouched";
}

TEST_F(PidFileTest, TakesOverWhatACrashLeftBehind) {
    std::ofstream(path()) << "123456789 and much more than a pid\n";
    const auto file = PidFile::create(path());
    ASSERT_TRUE(file) << error_of(file);
    EXPECT_EQ(content_of(path()), own_line());
}

TEST_F(PidFileTest, IsTakenOverFromAHolderThatDied) {
    loopback::Child holder([&]() -> int {
        auto file = PidFile::create(path());
        ::_exit(file ? 0 : 1);  // without removing it
    });
    ASSERT_EQ(holder.status(), 0);
    ASSERT_TRUE(fs::exists(path()));
    EXPECT_TRUE(PidFile::create(path()));
}

/// A program that may read a file, and has locked it.
sys::UniqueFd lock_of_a_reader(const std::string& path) {
    sys::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(::flock(fd.get(), LOCK_SH), 0);
    return fd;
}

// fault: A7
TEST_F(PidFileTest, ReplacesAFileOfNoDaemonThatAnotherProgramHasLocked) {
    loopback::Child ended([] { return 0; });
    const pid_t dead = ended.pid();
    ASSERT_EQ(ended.status(), 0);
    // Process 1 lives, but is another program.
    for (const std::string& text : {std::to_string(dead), std::string("1"), std::string("x")}) {
        std::ofstream(path()) << text << "\n";
        const sys::UniqueFd lock = lock_of_a_reader(path());
        const auto file = PidFile::create(path());
        ASSERT_TRUE(file) << text << ": " << error_of(file);
        EXPECT_EQ(content_of(path()), own_line());
    }
}

TEST_F(PidFileTest, RefusesALockedFileOfALivingDaemon) {
    for (const std::string& text : {std::string(), own_line()}) {
        std::ofstream(path()) << text;
        const sys::UniqueFd lock = lock_of_a_reader(path());
        EXPECT_EQ(error_of(PidFile::create(path())),
                  "another portsplitd holds the pid file " + path() + ": File exists");
        EXPECT_EQ(content_of(path()), text);
    }
}

// fault: A7
TEST_F(PidFileTest, DoesNotFollowASymbolicLink) {
    const std::string target = path() + ".target";
    std::ofstream(target) << "precious";
    fs::create_symlink(target, path());
    EXPECT_EQ(error_of(PidFile::create(path())),
              "cannot write the pid file " + path() + ": Too many levels of symbolic links");
    EXPECT_EQ(content_of(target), "precious");
}

TEST_F(PidFileTest, ReturnsWhyItCannotBeWritten) {
    const std::string missing = path() + "/below/portsplit.pid";
    EXPECT_EQ(error_of(PidFile::create(missing)),
              "cannot write the pid file " + missing + ": No such file or directory");
    fs::create_directory(path());
    EXPECT_EQ(error_of(PidFile::create(path())),
              "cannot write the pid file " + path() + ": Is a directory");
}

TEST_F(PidFileTest, RefusesAFifoWithoutAReader) {
    ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
    EXPECT_EQ(error_of(PidFile::create(path())),
              "cannot write the pid file " + path() + ": Invalid argument");
}

TEST_F(PidFileTest, LeavesAnotherFileAtItsPathAlone) {
    {
        const auto file = PidFile::create(path());
        ASSERT_TRUE(file);
        fs::remove(path());
        std::ofstream(path()) << "another file";
    }
    EXPECT_EQ(content_of(path()), "another file");
}

TEST_F(PidFileTest, IsRemovedOnceByTheObjectThatItWasMovedToLast) {
    auto created = PidFile::create(path());
    ASSERT_TRUE(created);
    PidFile first = std::move(*created);
    PidFile second(std::move(first));
    EXPECT_TRUE(fs::exists(path()));
    PidFile third;
    third = std::move(second);
    EXPECT_TRUE(fs::exists(path()));
    EXPECT_EQ(third.path(), path());
    third.remove();
    EXPECT_FALSE(fs::exists(path()));
    EXPECT_EQ(third.path(), "");
    third.remove();
}

TEST_F(PidFileTest, IsRemovedWhenAnotherIsMovedIntoIt) {
    auto first = PidFile::create(path());
    auto second = PidFile::create(path() + ".new");
    ASSERT_TRUE(first && second);
    *first = std::move(*second);
    EXPECT_FALSE(fs::exists(path()));
    EXPECT_TRUE(fs::exists(path() + ".new"));
}

TEST_F(PidFileTest, IsCreatedAnewWhenTheHolderRemovesItBeforeItIsLocked) {
    auto first = PidFile::create(path());
    ASSERT_TRUE(first);
    before_flock = [&] { first->remove(); };
    const auto second = PidFile::create(path());
    ASSERT_TRUE(second) << error_of(second);
    EXPECT_EQ(content_of(path()), own_line());
}

// fault: A7
TEST_F(PidFileTest, LeavesNoFileWhenTheDiskIsFull) {
    loopback::Child child([&]() -> int {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit none{.rlim_cur = 0, .rlim_max = 0};
        ::setrlimit(RLIMIT_FSIZE, &none);
        const auto file = PidFile::create(path());
        ::_exit(!file && file.error().code == EFBIG ? 0 : 1);
    });
    EXPECT_EQ(child.status(), 0);
    EXPECT_FALSE(fs::exists(path()));
}

// fault: A7
TEST_F(PidFileTest, IsHeldByOneOfTwentyThatStartTogether) {
    constexpr int kDaemons = 20;
    std::vector<std::unique_ptr<loopback::Child>> daemons;
    daemons.reserve(kDaemons);
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const sys::UniqueFd gate(ends[0]);
    sys::UniqueFd closed(ends[1]);
    for (int i = 0; i < kDaemons; ++i) {
        daemons.push_back(std::make_unique<loopback::Child>([&]() -> int {
            const auto file = PidFile::create(path());
            closed.reset();
            // Until the test opens the gate, so that the winner outlives the others.
            loopback::events_of(gate.get(), POLLIN);
            ::_exit(file ? 0 : file.error().code == EEXIST ? 1 : 2);
        }));
    }
    const auto limit = sys::Clock::now() + loopback::kPatience;
    while (content_of(path()).empty() && sys::Clock::now() < limit) {
        loopback::events_of(gate.get(), POLLIN, std::chrono::milliseconds(1));
    }
    closed.reset();
    int winners = 0;
    int losers = 0;
    for (const auto& daemon : daemons) {
        const int status = daemon->status();
        winners += status == 0 ? 1 : 0;
        losers += status == 1 << 8 ? 1 : 0;
    }
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(losers, 19);
}

}  // namespace
}  // namespace portsplit::daemon
