#include "sys/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/child.h"
#include "support/folder.h"

namespace portsplit::sys {
namespace {

using namespace std::string_literals;

void write_program(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

TEST(FindProgram, ReturnsAPathUnchanged) {
    EXPECT_EQ(find_program("/no/such/program"), "/no/such/program");
    EXPECT_EQ(find_program("./program"), "./program");
}

TEST(FindProgram, SearchesItsFoldersForABareName) {
    const std::string found = find_program("sh");
    EXPECT_NE((":"s + kProgramPath + ":").find(":" + found.substr(0, found.rfind('/')) + ":"),
              std::string::npos)
        << found;
    EXPECT_TRUE(found.ends_with("/sh")) << found;
    EXPECT_EQ(::access(found.c_str(), X_OK), 0);
}

TEST(FindProgram, ReturnsAnUnknownNameUnchanged) {
    EXPECT_EQ(find_program("no-such-program"), "no-such-program");
}

TEST(FindProgram, SkipsAFolderAndAFileThatCannotBeExecuted) {
    const Folder first;
    const Folder second;
    const Folder third;
    std::filesystem::create_directory(first / "tool");
    std::ofstream(second / "tool") << "text";
    write_program(third / "tool", "#!/bin/sh\n");
    const std::string folders = first.path() + ":" + second.path() + ":" + third.path();
    EXPECT_EQ(find_program("tool", folders), third / "tool");
    EXPECT_EQ(find_program("tool", first.path() + ":" + second.path()), "tool");
}

TEST(WhyNotExecutable, ReturnsNothingForAnExecutable) {
    EXPECT_EQ(why_not_executable("/bin/sh"), "");
    EXPECT_EQ(why_not_executable("sh"), "");
}

TEST(WhyNotExecutable, NamesWhatIsWrong) {
    const Folder folder;
    std::ofstream(folder / "plain") << "text";
    EXPECT_EQ(why_not_executable(folder / "plain"), "Permission denied");
    EXPECT_EQ(why_not_executable(folder / "missing"), "No such file or directory");
    EXPECT_EQ(why_not_executable(folder / "plain" + "/below"), "Not a directory");
    EXPECT_EQ(why_not_executable(folder.path()), "not a regular file");
    EXPECT_EQ(why_not_executable("no-such-program"),
              "not found in /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

TEST(Execute, PassesArgumentsAndEnvironmentAndNothingElse) {
    EXPECT_EQ(loopback::output_of([] {
                  execute("/bin/sh",
                          {"name", "-c", "printf '<%s>' \"$0\" \"$@\"", "a b", "", "$x\n"}, {});
              }),
              "<a b><><$x\n>");
    EXPECT_EQ(loopback::output_of([] {
                  execute("/usr/bin/env", {"env"}, {"ONE=1", "TWO=a b=c", "EMPTY="});
              }),
              "ONE=1\nTWO=a b=c\nEMPTY=\n");
}

TEST(Execute, ReturnsWhyItFailed) {
    const Folder folder;
    std::ofstream(folder / "plain") << "text";
    write_program(folder / "broken",
                  "\x7f"
                  "ELF but not really");
    const auto error_of = [](const std::string& path) {
        return to_string(execute(path, {path}, {}));
    };
    EXPECT_EQ(error_of(folder / "missing"),
              "cannot execute " + (folder / "missing") + ": No such file or directory");
    EXPECT_EQ(error_of(folder / "plain"),
              "cannot execute " + (folder / "plain") + ": Permission denied");
    EXPECT_EQ(error_of(folder / "broken"),
              "cannot execute " + (folder / "broken") + ": Exec format error");
    EXPECT_EQ(error_of(folder.path()), "cannot execute " + folder.path() + ": Permission denied");
}

TEST(Execute, RunsTheOpenFileWhenItsPathIsReplaced) {
    const Folder folder;
    std::filesystem::copy_file("/bin/echo", folder / "program");
    const UniqueFd held(::open((folder / "program").c_str(), O_PATH | O_CLOEXEC));
    std::filesystem::remove(folder / "program");
    write_program(folder / "program", "#!/bin/sh\necho replaced\n");
    EXPECT_EQ(loopback::output_of([&] { execute(held.get(), {"program", "held"}, {}); }), "held\n");
}

TEST(Execute, ReturnsWhyAnOpenFileCannotBeExecuted) {
    const UniqueFd folder(::open("/", O_PATH | O_CLOEXEC));
    EXPECT_EQ(to_string(execute(folder.get(), {"portsplit-dispatch", "--zygote"}, {})),
              "cannot execute portsplit-dispatch: Permission denied");
    EXPECT_EQ(to_string(execute(-1, {"portsplit-dispatch"}, {})),
              "cannot execute portsplit-dispatch: Bad file descriptor");
}

TEST(OwnFolder, ReturnsTheFolderOfThisProgram) {
    EXPECT_EQ(own_folder(), std::filesystem::read_symlink("/proc/self/exe").parent_path().string());
}

TEST(BesideOwn, ReturnsTheFirstPlaceThatExists) {
    const std::string own = std::filesystem::canonical(own_folder()).string();
    const std::string name = own.substr(own.rfind('/') + 1);
    EXPECT_EQ(beside_own({"no/such/place", "../" + name, "."}), own);
    EXPECT_EQ(beside_own({"../no/such", "no/../such"}), own_folder() + "/no/../such");
}

TEST(OwnEnvironment, ReturnsTheEnvironmentOfThisProcess) {
    EXPECT_EQ(loopback::text_of_child([] {
                  ::clearenv();
                  ::setenv("ONE", "1", 1);
                  ::setenv("TWO", "a b=c", 1);
                  std::string all;
                  for (const std::string& entry : own_environment()) all += entry + "\n";
                  return all;
              }),
              "ONE=1\nTWO=a b=c\n");
}

TEST(IsScript, IsTrueForAFileThatBeginsWithAnInterpreter) {
    const Folder folder;
    std::ofstream(folder / "script") << "#!/bin/sh\n";
    std::ofstream(folder / "short") << "#";
    EXPECT_TRUE(is_script(folder / "script"));
    EXPECT_FALSE(is_script(folder / "short"));
    EXPECT_FALSE(is_script(folder / "none"));
    EXPECT_FALSE(is_script(folder.path()));
    EXPECT_FALSE(is_script("cat"));
}

}  // namespace
}  // namespace portsplit::sys
