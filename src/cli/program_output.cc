#include "cli/program_output.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "sys/fd.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/program.h"

namespace portsplit::cli {
namespace {

/// posix_spawn(3) with a pipe as standard output.
/// @returns 0 or the errno
int spawn(const std::string& program, const std::vector<std::string>& arguments, int output,
          pid_t& pid) {
    std::vector<char*> words;
    words.reserve(arguments.size() + 1);
    // POSIX has `char* const[]` for execve(2) and posix_spawn(3), which change no text.
    for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    const int error =
        ::posix_spawn(&pid, program.c_str(), &actions, nullptr, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    return error;
}

}  // namespace

sys::Result<std::string> output_of(const std::vector<std::string>& arguments) {
    const std::string what = fmt::format("cannot run {}", arguments.front());
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) return sys::SysError{errno, what};
    const sys::UniqueFd reading(ends[0]);
    sys::UniqueFd writing(ends[1]);
    pid_t pid = -1;
    const int error = spawn(sys::find_program(arguments.front()), arguments, writing.get(), pid);
    if (error != 0) return sys::SysError{error, what};
    writing.reset();  // so that the end of the program is the end of file
    auto text = sys::read_all(reading.get());
    const int status = sys::wait_for_child(pid);
    if (!text) return text.error();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return sys::SysError{EIO, what};
    return std::move(*text);
}

}  // namespace portsplit::cli
