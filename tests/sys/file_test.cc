#include "sys/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/child.h"
#include "support/descriptors.h"
#include "support/folder.h"
#include "support/loopback.h"
#include "support/unprivileged.h"

namespace portsplit::sys {
namespace {

using namespace std::string_literals;

void write_file(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

template <typename T>
std::string error_of(const Result<T>& result) {
    return result ? "no error" : to_string(result.error());
}

TEST(ReadFile, ReadsEveryByte) {
    const Folder folder;
    std::string text = "a\0b\r\n\xff"s;
    text += std::string(200'000, 'x');
    write_file(folder / "file", text);
    const auto read = read_file(folder / "file");
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, text);
}

TEST(ReadFile, ReadsAnEmptyFile) {
    const Folder folder;
    write_file(folder / "file", "");
    const auto read = read_file(folder / "file");
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, "");
}

TEST(ReadFile, NamesAFileThatIsMissing) {
    const Folder folder;
    const std::string path = folder / "missing";
    const auto read = read_file(path);
    EXPECT_EQ(error_of(read), "cannot read " + path + ": No such file or directory");
    EXPECT_EQ(read.error().code, ENOENT);
}

TEST(ReadFile, RefusesAFolder) {
    const Folder folder;
    const auto read = read_file(folder.path());
    EXPECT_EQ(error_of(read), "cannot read " + folder.path() + ": Is a directory");
    EXPECT_EQ(read.error().code, EISDIR);
}

// fault: A6
TEST(ReadFile, RefusesAFifoWithoutWaitingForItsWriter) {
    const Folder folder;
    const std::string path = folder / "fifo";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const auto read = read_file(path);
    EXPECT_EQ(error_of(read),
              "cannot read " + path + ", which is not a regular file: Invalid argument");
}

TEST(ReadFile, RefusesADevice) {
    const auto read = read_file("/dev/zero");
    EXPECT_EQ(error_of(read),
              "cannot read /dev/zero, which is not a regular file: Invalid argument");
    EXPECT_EQ(read.error().code, EINVAL);
}

TEST(ReadFile, RefusesAFileThatIsTooLarge) {
    const Folder folder;
    const std::string path = folder / "large";
    write_file(path, "");
    ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(kLargestFile) + 1), 0);
    const auto read = read_file(path);
    EXPECT_EQ(error_of(read), "cannot read " + path + ": File too large");
    EXPECT_EQ(read.error().code, EFBIG);
}

TEST(ReadFile, ReadsNoByteOfAFileThatIsTooLarge) {
    const Folder folder;
    const std::string path = folder / "large";
    write_file(path, "");
    ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(kLargestFile) + 1), 0);
    EXPECT_EQ(loopback::text_of_child([&] {
                  const auto largest_size = [] {
                      rusage usage{};
                      ::getrusage(RUSAGE_SELF, &usage);
                      return usage.ru_maxrss;  // in KiB (getrusage(2))
                  };
                  const long before = largest_size();
                  if (read_file(path)) return "read"s;
                  return largest_size() - before < 16 << 10 ? ""s : "memory was used"s;
              }),
              "");
}

TEST(ReadFile, FailsWhenAnOpenFileCannotBeRead) {
    // A regular file by its mode, whose first page is not mapped (proc(5)).
    EXPECT_EQ(error_of(read_file("/proc/self/mem")),
              "cannot read /proc/self/mem: Input/output error");
}

// fault: A6
TEST(ReadFile, FailsWithoutPermission) {
    const Folder folder;
    const std::string path = folder / "secret";
    write_file(path, "x");
    ASSERT_EQ(::chmod(path.c_str(), 0), 0);
    ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    EXPECT_EQ(loopback::text_without_root([&] { return error_of(read_file(path)); }),
              "cannot read " + path + ": Permission denied");
}

TEST(ReadAll, ReadsFromTheOffsetToTheEnd) {
    const Folder folder;
    write_file(folder / "file", "0123456789");
    const UniqueFd fd(::open((folder / "file").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::lseek(fd.get(), 4, SEEK_SET), 4);
    const auto read = read_all(fd.get());
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, "456789");
}

TEST(ReadAll, FailsAfterTheLargestSize) {
    const Folder folder;
    const std::string path = folder / "large";
    write_file(path, "");
    ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(kLargestFile) + 1), 0);
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(error_of(read_all(fd.get())), "cannot read: File too large");
}

TEST(ReadAll, FailsForADescriptorThatIsNotOpen) {
    EXPECT_EQ(error_of(read_all(-1)), "cannot read: Bad file descriptor");
}

TEST(NamesIn, ReturnsTheNamesInAFolder) {
    const Folder folder;
    write_file(folder / "b", "");
    std::filesystem::create_directory(folder / "a");
    std::vector<std::string> names = names_in(folder / ".");
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, (std::vector<std::string>{".", "..", "a", "b"}));
    EXPECT_TRUE(names_in(folder / "missing").empty());
    EXPECT_TRUE(names_in(folder / "b").empty());
}

TEST(WriteAll, WritesMoreThanOneWriteTakes) {
    std::string text(1'000'000, 'y');
    const std::string copy = loopback::text_of_child([&] { return text; });
    EXPECT_TRUE(copy == text) << copy.size();
}

TEST(WriteAll, FailsWhenTheDescriptorHasNoRoom) {
    const loopback::Pair pair = loopback::unix_pair();
    set_blocking(pair.near.get(), false);
    EXPECT_EQ(error_of(write_all(pair.near.get(), std::string(1'000'000, 'z'))),
              "cannot write: Resource temporarily unavailable");
}

class SealedMemory : public testing::Test {
  protected:
    SealedMemory() {
        auto made = new_memory("portsplit.conf");
        if (!made || !write_all(made->get(), text_) || !seal(made->get())) return;
        memory_ = std::move(*made);
    }

    int fd() const { return memory_.get(); }

    const std::string text_ = "services : { };\0"s;

  private:
    UniqueFd memory_;
};

TEST_F(SealedMemory, IsReadFromItsBeginningAgainAndAgain) {
    ASSERT_GE(fd(), 0);
    for (int i = 0; i < 2; ++i) {
        const auto read = read_memory(fd());
        ASSERT_TRUE(read);
        EXPECT_EQ(*read, text_);
    }
    EXPECT_TRUE(closes_on_exec(fd()));
}

TEST_F(SealedMemory, HasEverySeal) {
    EXPECT_EQ(
        ::fcntl(fd(), F_GET_SEALS) & (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL),
        F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    EXPECT_EQ(::fcntl(fd(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
}

TEST_F(SealedMemory, RefusesEachChangeThroughItsDescriptor) {
    EXPECT_EQ(::pwrite(fd(), "x", 1, 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::ftruncate(fd(), 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::ftruncate(fd(), 1000), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0), MAP_FAILED);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(SealedMemory, RefusesAWriteWhenOpenedAgain) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd());
    const UniqueFd again(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_EQ(::write(again.get(), "x", 1), -1);
    const auto read = read_memory(fd());
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, text_);
}

TEST(ReadMemory, RefusesMoreThanItMayRead) {
    const auto memory = new_memory("long");
    ASSERT_TRUE(memory);
    ASSERT_EQ(::ftruncate(memory->get(), 101), 0);
    EXPECT_EQ(read_memory(memory->get(), 101)->size(), 101U);
    EXPECT_EQ(read_memory(memory->get(), 100).error().code, EFBIG);
}

TEST(NewMemory, IsEmpty) {
    const auto memory = new_memory("empty");
    ASSERT_TRUE(memory);
    const auto read = read_memory(memory->get());
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, "");
}

/// Closes these descriptors, calls the function, and returns what 0, 1 and 2 refer to.
std::string standard_descriptors_without(std::initializer_list<int> closed) {
    return loopback::text_of_child([closed] {
        const UniqueFd other(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        for (const int fd : {0, 1, 2}) ::dup2(other.get(), fd);
        for (const int fd : closed) ::close(fd);
        if (!open_standard_descriptors()) return "failed"s;
        std::string all;
        for (const int fd : {0, 1, 2}) {
            all += std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd)).string();
            all += (::fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR ? " both " : " ";
            all += closes_on_exec(fd) ? "closes " : "";
        }
        return all;
    });
}

// fault: A8
TEST(OpenStandardDescriptors, OpensEachThatIsClosed) {
    EXPECT_EQ(standard_descriptors_without({0, 1, 2}),
              "/dev/null both /dev/null both /dev/null both ");
    EXPECT_EQ(standard_descriptors_without({0}), "/dev/null both / / ");
    EXPECT_EQ(standard_descriptors_without({1}), "/ /dev/null both / ");
    EXPECT_EQ(standard_descriptors_without({0, 2}), "/dev/null both / /dev/null both ");
}

TEST(OpenStandardDescriptors, LeavesThemAloneWhenAllAreOpen) {
    EXPECT_EQ(standard_descriptors_without({}), "/ / / ");
}

TEST(OpenStandardDescriptors, LeavesNoOtherDescriptorOpen) {
    const auto count = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    };
    EXPECT_EQ(loopback::text_of_child([&] {
                  const auto before = count();
                  ::close(0);
                  if (!open_standard_descriptors()) return "failed"s;
                  return std::to_string(count() - before);
              }),
              "0");
}

TEST(WritableByAll, ReturnsTheFileOrTheFolderThatEveryUserCanWrite) {
    const Folder folder;
    const std::string inner = folder / "inner";
    const std::string file = inner + "/file";
    std::filesystem::create_directory(inner);
    std::ofstream(file) << "text";
    const auto allow = [](const std::string& path, unsigned mode) {
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    };
    EXPECT_EQ(writable_by_all(file), "");
    allow(file, 0646);
    EXPECT_EQ(writable_by_all(file), file);
    allow(file, 0664);
    EXPECT_EQ(writable_by_all(file), "");
    allow(inner, 0777);
    EXPECT_EQ(writable_by_all(file), inner);
    allow(inner, 01777);
    EXPECT_EQ(writable_by_all(file), "");
    EXPECT_EQ(writable_by_all(folder / "none"), "");
}

TEST(WritableByAll, FollowsSymbolicLinks) {
    const Folder folder;
    const std::string open = folder / "open";
    std::filesystem::create_directory(open);
    std::ofstream(open + "/file") << "text";
    ASSERT_EQ(::chmod(open.c_str(), 0777), 0);
    const std::string link = folder / "link";
    std::filesystem::create_symlink(open + "/file", link);
    EXPECT_EQ(writable_by_all(link), std::filesystem::canonical(open));
}

}  // namespace
}  // namespace portsplit::sys
