// The program as it is built: what only `main` does.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "support/child.h"
#include "support/folder.h"
#include "support/log_text.h"
#include "support/loopback.h"

namespace portsplit::dispatch {
namespace {

using loopback::Child;

/// The user `nobody`: a process that may do only what its owner may.
constexpr uid_t kNobody = 65534;

/// Drops root if the test has it.
bool drop_root() { return ::geteuid() != 0 || (::setgid(kNobody) == 0 && ::setuid(kNobody) == 0); }

/// Becomes the program under test. It is opened before root is dropped, so its folder may be one
/// that only root enters.
int become_dispatch(int program, std::vector<std::string> arguments) {
    std::string name = "portsplit-dispatch";
    std::vector<char*> argv{name.data()};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    if (!drop_root()) return 98;
    ::fexecve(program, argv.data(), environ);
    return 99;
}

/// Returns the error of reading a process's environment as its own user, which proc(5) allows to a
/// process that may trace the other one (PTRACE_MODE_READ); "none" if it can be read.
std::string error_of_reading(pid_t pid) {
    return loopback::text_of_child([pid] {
        if (!drop_root()) return std::string("cannot drop root");
        const std::string path = "/proc/" + std::to_string(pid) + "/environ";
        const sys::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        char byte = 0;
        if (!fd || ::read(fd.get(), &byte, 1) < 0) return sys::error_text(errno);
        return std::string("none");
    });
}

int low_water(int fd) {
    int bytes = 0;
    socklen_t length = sizeof bytes;
    ::getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, &length);
    return bytes;
}

TEST(DispatchProgram, RefusesToBeTracedByItsOwnUser) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "LeakSanitizer traces its own process, so this build allows tracing";
#endif
    const Folder folder;
    ::chmod(folder.path().c_str(), 0755);
    const std::string file = folder / "conf";
    std::ofstream(file) << "timeout = 60\n[web]\nstring = GET\nconnect = 127.0.0.1:1\n";
    const sys::UniqueFd program(::open(PORTSPLIT_DISPATCH, O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(program);
    loopback::Pair pair = loopback::tcp_pair();
    const Child dispatcher([&] {
        ::dup2(pair.near.get(), STDIN_FILENO);
        return become_dispatch(program.get(), {"--inetd", "--log", "stderr", file});
    });
    ASSERT_TRUE(loopback::send_all(pair.far.get(), "G"));
    // It has started once it waits for a second byte (socket(7) SO_RCVLOWAT).
    ASSERT_TRUE(loopback::comes_true([&] { return low_water(pair.near.get()) == 2; }));
    EXPECT_EQ(error_of_reading(dispatcher.pid()), "Permission denied");

    int started[2] = {-1, -1};
    ASSERT_EQ(::pipe2(started, O_CLOEXEC), 0);
    const sys::UniqueFd from(started[0]);
    sys::UniqueFd to(started[1]);
    const Child other([&] {
        if (!drop_root()) return 98;
        ::execl("/bin/sleep", "sleep", "60", nullptr);
        return 99;
    });
    to.reset();
    ASSERT_EQ(loopback::read_reply(from.get()).end, "end") << "exec closes the pipe";
    EXPECT_EQ(error_of_reading(other.pid()), "none") << "else this test could not fail";
}

// fault: B5, F7
TEST(DispatchProgram, RefusesTheDaemonOfAnotherBuild) {
    const sys::UniqueFd program(::open(PORTSPLIT_DISPATCH, O_RDONLY | O_CLOEXEC));
    const std::string output = without_dates(loopback::output_of([&] {
        become_dispatch(program.get(), {"--zygote", "2", "stderr", "portsplit.conf"});
    }));
    EXPECT_EQ(output.substr(std::min(output.find(' '), output.size())),
              " portsplitd and portsplit-dispatch are of different versions; install both from one "
              "build and restart portsplitd\n (status 16384)");
}

}  // namespace
}  // namespace portsplit::dispatch
