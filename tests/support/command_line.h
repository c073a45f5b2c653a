#pragma once
// What a reader of a command line (getopt_long(3)) returns and prints.

#include <getopt.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace portsplit {

/// Calls `read` with the command line of a program.
template <typename Line>
Line read_arguments(Line (*read)(int, char**), std::string program,
                    std::vector<std::string> arguments) {
    std::vector<char*> argv{program.data()};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    optind = 0;  // getopt_long(3): start a new scan
    return read(static_cast<int>(arguments.size() + 1), argv.data());
}

template <typename Line>
struct ReadLine {
    Line line;
    std::string out;
    std::string err;
};

/// As `read_arguments`, and captures standard output and standard error.
template <typename Line>
ReadLine<Line> read_captured(Line (*read)(int, char**), std::string program,
                             std::vector<std::string> arguments) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Line line = read_arguments(read, std::move(program), std::move(arguments));
    std::fflush(stdout);
    std::string out = testing::internal::GetCapturedStdout();
    return {std::move(line), std::move(out), testing::internal::GetCapturedStderr()};
}

}  // namespace portsplit
