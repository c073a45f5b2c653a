#include "sys/socket_file.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "support/child.h"
#include "support/folder.h"
#include "support/loopback.h"
#include "sys/address.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace portsplit::sys {
namespace {

class SocketFileTest : public ::testing::Test {
  protected:
    const Folder folder_;
    const std::string path_ = folder_ / "socket";

    bool answers() const {
        auto fd = start_connect(Address::of_unix(path_));
        return fd && connect_outcome(fd->get(), Address::of_unix(path_)) == 0;
    }
    mode_t mode() const {
        struct stat there {};
        ::lstat(path_.c_str(), &there);
        return there.st_mode & 07777;
    }
    bool exists() const { return ::access(path_.c_str(), F_OK) == 0; }
};

TEST_F(SocketFileTest, ListensWithTheModeAndRemovesTheFileAtTheEnd) {
    for (const mode_t wanted : {0600U, 0660U, 0666U, 0777U}) {
        auto listening = SocketFile::listen_on(path_, {.mode = wanted});
        ASSERT_TRUE(listening) << to_string(listening.error());
        EXPECT_EQ(mode(), wanted);
        EXPECT_TRUE(answers());
        const SocketFile moved = std::move(listening->file);
        EXPECT_TRUE(exists());
    }
    EXPECT_FALSE(exists());
}

TEST_F(SocketFileTest, KeepsTheUmask) {
    const mode_t before = ::umask(027);
    const auto listening = SocketFile::listen_on(path_, {});
    EXPECT_EQ(::umask(before), 027U);
}

TEST_F(SocketFileTest, ReplacesADeadSocket) {
    {
        const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const Address address = Address::of_unix(path_);
        ASSERT_EQ(::bind(dead.get(), address.data(), address.size()), 0);
    }
    ASSERT_TRUE(exists());
    const auto listening = SocketFile::listen_on(path_, {});
    ASSERT_TRUE(listening) << to_string(listening.error());
    EXPECT_TRUE(answers());
}

TEST_F(SocketFileTest, LeavesALiveSocketAlone) {
    const auto first = SocketFile::listen_on(path_, {});
    ASSERT_TRUE(first);
    const auto second = SocketFile::listen_on(path_, {});
    ASSERT_FALSE(second);
    EXPECT_EQ(to_string(second.error()), "cannot listen on unix:" + path_ +
                                             ": Address already in use; see which program has it: "
                                             "ss -xlp src " +
                                             path_);
    EXPECT_TRUE(answers());
}

TEST_F(SocketFileTest, LeavesAnyOtherFileAlone) {
    const UniqueFd file(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    const auto listening = SocketFile::listen_on(path_, {});
    ASSERT_FALSE(listening);
    EXPECT_EQ(listening.error().advice, "the file there is no socket; choose another path");
    EXPECT_TRUE(exists());
}

TEST_F(SocketFileTest, LeavesADeadSocketOfSomebodyElse) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root gives a file to somebody else";
    {
        const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const Address address = Address::of_unix(path_);
        ASSERT_EQ(::bind(dead.get(), address.data(), address.size()), 0);
    }
    ASSERT_EQ(::chown(path_.c_str(), 12345, 0), 0);
    const auto refused = SocketFile::listen_on(path_, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().advice,
              "a socket of the user 12345 is there, on which nobody listens; remove it");
    const auto ours = SocketFile::listen_on(path_, {.user = 12345});
    EXPECT_TRUE(ours) << "that of the configuration";
}

TEST_F(SocketFileTest, NamesAFolderThatIsMissing) {
    const auto listening = SocketFile::listen_on(folder_ / "missing/socket", {});
    ASSERT_FALSE(listening);
    EXPECT_EQ(listening.error().code, ENOENT);
    EXPECT_EQ(listening.error().advice, "make the folder " + (folder_ / "missing"));
}

TEST_F(SocketFileTest, ChangesTheMode) {
    const auto listening = SocketFile::listen_on(path_, {.mode = 0600});
    ASSERT_TRUE(listening);
    EXPECT_TRUE(listening->file.change({.mode = 0660}));
    EXPECT_EQ(mode(), 0660U);
}

TEST_F(SocketFileTest, ChangesNothingThatHasTakenItsPlace) {
    const auto listening = SocketFile::listen_on(path_, {});
    ASSERT_TRUE(listening);
    const std::string other = folder_ / "other";
    { const UniqueFd file(::open(other.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0640)); }
    ASSERT_EQ(::unlink(path_.c_str()), 0);
    ASSERT_EQ(::symlink(other.c_str(), path_.c_str()), 0);
    EXPECT_FALSE(listening->file.change({.mode = 0666}));
    struct stat there {};
    ASSERT_EQ(::stat(other.c_str(), &there), 0);
    EXPECT_EQ(there.st_mode & 0777, 0640U) << "a link to somebody's file";
}

TEST_F(SocketFileTest, ChangesTheOwner) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root gives a file to somebody else";
    const auto listening = SocketFile::listen_on(path_, {.user = 12345});
    ASSERT_TRUE(listening);
    const auto owner = [&] {
        struct stat there {};
        ::lstat(path_.c_str(), &there);
        return std::pair(there.st_uid, there.st_gid);
    };
    EXPECT_EQ(owner(), std::pair(uid_t{12345}, ::getegid()));
    EXPECT_TRUE(listening->file.change({.group = 54321}));
    EXPECT_EQ(owner(), std::pair(::geteuid(), gid_t{54321}));
}

TEST_F(SocketFileTest, IsRemovedWhileItsSocketIsOpen) {
    auto listening = SocketFile::listen_on(path_, {});
    ASSERT_TRUE(listening);
    listening->file.remove();
    EXPECT_FALSE(exists());
}

TEST_F(SocketFileTest, DoesNotRemoveWhatHasTakenItsPlace) {
    {
        const auto listening = SocketFile::listen_on(path_, {});
        ASSERT_EQ(::unlink(path_.c_str()), 0);
        const UniqueFd file(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    EXPECT_TRUE(exists());
}

TEST_F(SocketFileTest, IsNotRemovedByAChild) {
    auto listening = SocketFile::listen_on(path_, {});
    ASSERT_TRUE(listening);
    const pid_t child = ::fork();
    if (child == 0) {
        { const SocketFile moved = std::move(listening->file); }
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(exists());
}

}  // namespace
}  // namespace portsplit::sys
