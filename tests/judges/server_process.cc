#include "judges/server_process.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace portsplit::judges {
namespace {

/// Becomes a program. Returns only after a failure.
int become(const std::vector<std::string>& command, const std::string& output, uid_t user) {
    const int fd = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (fd < 0 || nothing < 0) return 98;
    ::dup2(nothing, 0);
    for (const int to : {1, 2}) ::dup2(fd, to);
    if (user != 0 && ::geteuid() == 0 &&
        (::setgroups(0, nullptr) < 0 || ::setgid(user) < 0 || ::setuid(user) < 0))
        return 97;
    // Ends the server if the test is killed. Behind setuid(2), which takes the setting back (prctl(2)).
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const char* path = std::getenv("PATH");
    ::setenv("PATH", (std::string(path == nullptr ? "/usr/bin:/bin" : path) + ":/usr/sbin").c_str(),
             1);
    ::setenv("LC_ALL", "C", 1);
    ::execvp(arguments[0], arguments.data());
    return 99;
}

/// Connects to a Unix-domain socket; no descriptor if nothing listens there.
sys::UniqueFd connected_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return sys::UniqueFd();
    std::memcpy(address.sun_path, path.data(), path.size());
    sys::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(fd.get(), generic, sizeof address) < 0) fd.reset();
    return fd;
}

/// Returns true if the peer has read all, or has closed (unix(7), SIOCOUTQ).
bool is_read(int fd) {
    int unread = 0;
    return ::ioctl(fd, SIOCOUTQ, &unread) < 0 || unread == 0;
}

}  // namespace

ServerProcess::ServerProcess(const Folder& folder, const std::vector<std::string>& command,
                             const std::string& socket, int end_signal, uid_t user)
    : output_(folder / "output"),
      socket_(folder / socket),
      end_signal_(end_signal),
      child_([&] { return become(command, output_, user); }) {
    const bool listens = loopback::comes_true([&] {
        return connected_to(socket_).get() >= 0 ||
               loopback::events_of(child_.handle(), POLLIN, std::chrono::milliseconds(0)) != 0;
    });
    EXPECT_TRUE(listens && connected_to(socket_).get() >= 0)
        << command.front() << " does not listen: " << output();
}

ServerProcess::~ServerProcess() {
    ::kill(child_.pid(), end_signal_);
    EXPECT_TRUE(child_.wait_for_end());
}

std::string ServerProcess::new_output() {
    std::ifstream file(output_, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(shown_));
    std::ostringstream text;
    text << file.rdbuf();
    shown_ += text.str().size();
    return text.str();
}

std::string ServerProcess::answer_to(const Segments& segments, bool shuts_down,
                                     std::size_t enough) const {
    const sys::UniqueFd client = connected_to(socket_);
    EXPECT_GE(client.get(), 0) << output();
    for (const std::string_view segment : segments) {
        if (!loopback::send_all(client.get(), segment)) break;  // the server has closed
        const auto is_done = [&] {
            return is_read(client.get()) ||
                   loopback::events_of(client.get(), POLLIN, std::chrono::milliseconds(0)) != 0;
        };
        for (int i = 0; i < 100 && !is_done(); ++i) ::sched_yield();
        EXPECT_TRUE(loopback::comes_true(is_done)) << "the server does not read";
    }
    if (shuts_down) loopback::finish(client.get());
    const loopback::Reply reply = loopback::read_reply(client.get(), enough);
    EXPECT_NE(reply.end, "silence");
    return reply.bytes;
}

bool run_program(const std::vector<std::string>& command, const std::string& output, uid_t user) {
    loopback::Child child([&] { return become(command, output, user); });
    return child.status() == 0;
}

void give_to_nobody(const Folder& folder) {
    if (::geteuid() != 0) return;
    EXPECT_EQ(::chown(folder.path().c_str(), kNobody, kNobody), 0);
}

}  // namespace portsplit::judges
