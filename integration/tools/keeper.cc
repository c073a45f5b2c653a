// keeper FOLDER PROGRAM [ARGUMENT...]
//
// Runs a program for a test and adopts its orphans (prctl(2) PR_SET_CHILD_SUBREAPER). So a test finds
// every process that the program left behind among the descendants of the keeper. Writes FOLDER/pid at
// the start and FOLDER/status (`exit=N` or `signal=N`) when the program ends. Exits with its last child.

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

namespace {

/// Writes another file and renames it, so that no reader sees half of it.
void write_whole(const std::string& path, const std::string& text) {
    const std::string beside = path + ".new";
    std::ofstream(beside) << text << '\n';
    if (std::rename(beside.c_str(), path.c_str()) != 0) std::abort();
}

std::string describe(int status) {
    return WIFSIGNALED(status) ? "signal=" + std::to_string(WTERMSIG(status))
                               : "exit=" + std::to_string(WEXITSTATUS(status));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: keeper FOLDER PROGRAM [ARGUMENT...]\n", stderr);
        return 64;
    }
    const std::string folder = argv[1];
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const pid_t program = ::fork();
    if (program == 0) {
        ::execvp(argv[2], argv + 2);
        std::fprintf(stderr, "keeper: cannot execute %s: %s\n", argv[2], std::strerror(errno));
        ::_exit(127);
    }
    if (program < 0) return 71;
    write_whole(folder + "/pid", std::to_string(program));

    while (true) {
        int status = 0;
        const pid_t pid = ::waitpid(-1, &status, 0);
        if (pid < 0 && errno == EINTR) continue;
        if (pid < 0) return 0;  // ECHILD: no child is left
        if (pid == program) write_whole(folder + "/status", describe(status));
    }
}
