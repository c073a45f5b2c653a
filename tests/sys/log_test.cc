#include "sys/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/child.h"
#include "support/descriptors.h"
#include "support/folder.h"
#include "support/log_text.h"
#include "support/loopback.h"
#include "support/moved_clock.h"

namespace portsplit::sys {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

std::string own_prefix() { return "portsplit[" + std::to_string(::getpid()) + "]: "; }

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

/// A log that writes to a pipe, and the reading end of the pipe.
class PipedLog : public testing::Test {
  protected:
    PipedLog() {
        ::signal(SIGPIPE, SIG_IGN);  // as in the programs
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        from_.reset(ends[0]);
        log_.emplace(Log::to_descriptor(UniqueFd(ends[1])));
    }
    ~PipedLog() override { ::signal(SIGPIPE, SIG_DFL); }

    Log& log() { return *log_; }
    UniqueFd& reader() { return from_; }

    /// Reads everything that is in the pipe now.
    std::string written_with_dates() {
        set_blocking(from_.get(), false);
        std::string text(1 << 20, '\0');
        std::size_t size = 0;
        for (ssize_t got = 0;
             (got = ::read(from_.get(), text.data() + size, text.size() - size)) > 0;) {
            size += static_cast<std::size_t>(got);
        }
        text.resize(size);
        return text;
    }
    /// The same without the dates.
    std::string written() { return without_dates(written_with_dates()); }

    /// Fills the pipe through a second descriptor, not through the log.
    void fill() {
        const std::string path = "/proc/self/fd/" + std::to_string(log().descriptor());
        const UniqueFd to(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
        const std::string junk(4096, '.');
        while (::write(to.get(), junk.data(), junk.size()) > 0) continue;
        while (::write(to.get(), ".", 1) > 0) continue;
    }

  private:
    UniqueFd from_;
    std::optional<Log> log_;
};

using LogLine = PipedLog;
using LimitedLog = PipedLog;
using StuckLog = PipedLog;

// fault: C8
TEST(Escaped, ShowsEveryByteThatIsNotPrintableAsciiInHex) {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string shown = escaped(std::string(1, static_cast<char>(byte)));
        if (byte >= ' ' && byte <= '~') {
            EXPECT_EQ(shown, std::string(1, static_cast<char>(byte)));
        } else {
            char wanted[8];
            std::snprintf(wanted, sizeof wanted, "\\x%02x", byte);
            EXPECT_EQ(shown, wanted);
        }
    }
}

TEST(Escaped, KeepsTextAndItsOrder) {
    EXPECT_EQ(escaped("GET /%n%s \x1b[31m\r\n"), "GET /%n%s \\x1b[31m\\x0d\\x0a");
    EXPECT_EQ(escaped("a\0b"s), "a\\x00b");
    EXPECT_EQ(escaped(""), "");
}

TEST_F(LogLine, NamesTheProgramAndItsProcess) {
    log().line(Level::Info, "listening");
    EXPECT_EQ(written(), own_prefix() + "listening\n");
}

TEST_F(LogLine, BeginsWithTheDateAndItsOffset) {
    ::setenv("TZ", "XYZ-5:30", 1);
    ::tzset();
    log().line(Level::Info, "listening");
    const std::time_t now = std::time(nullptr);
    ::unsetenv("TZ");
    ::tzset();
    const std::string line = written_with_dates();
    ASSERT_TRUE(line.ends_with("+05:30 " + own_prefix() + "listening\n")) << line;
    tm read{};
    ASSERT_NE(::strptime(line.c_str(), "%Y-%m-%dT%H:%M:%S", &read), nullptr) << line;
    EXPECT_NEAR(static_cast<double>(::timegm(&read) - 19800), static_cast<double>(now), 2.0);
}

TEST(LogToTheJournal, HasNoDateOfItsOwn) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd reader(ends[0]);
    struct stat status {};
    ASSERT_EQ(::fstat(ends[1], &status), 0);
    const std::string stream = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
    for (const bool is_journal : {true, false}) {
        ::setenv("JOURNAL_STREAM", is_journal ? stream.c_str() : "1:2", 1);
        Log log = Log::to_descriptor(UniqueFd(::dup(ends[1])));
        ::unsetenv("JOURNAL_STREAM");
        log.line(Level::Info, "listening");
        std::array<char, 256> text{};
        ASSERT_GT(::read(reader.get(), text.data(), text.size()), 0);
        EXPECT_EQ(std::string_view(text.data()).starts_with("portsplit["), is_journal);
    }
    ::close(ends[1]);
}

TEST_F(LogLine, NamesTheProcessThatTheEventIsAbout) {
    log().line(Level::Info, "service=ssh", 4711);
    EXPECT_EQ(written(), "portsplit[4711]: service=ssh\n");
}

TEST_F(LogLine, WritesOneLineForATextWithNewlines) {
    log().line(Level::Error, "a\nportsplit[1]: forged\r\n\0b"s);
    EXPECT_EQ(written(), own_prefix() + "a\\x0aportsplit[1]: forged\\x0d\\x0a\\x00b\n");
}

TEST_F(LogLine, CutsALongTextToPipeBuf) {
    for (const char c : {'a', '\n'}) {
        log().line(Level::Error, std::string(100'000, c));
        const std::string line = written();
        EXPECT_LE(line.size(), static_cast<std::size_t>(PIPE_BUF));
        EXPECT_GE(line.size(), 3000U);
        EXPECT_EQ(line.find('\n'), line.size() - 1);
    }
}

TEST(LogToDescriptor, WritesEachLineWithOneWrite) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const UniqueFd from(ends[0]);
    Log log = Log::to_descriptor(UniqueFd(ends[1]));
    log.line(Level::Info, "one");
    log.line(Level::Info, "two");
    std::string buffer(1000, '\0');
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    EXPECT_EQ(without_dates(buffer.substr(0, static_cast<std::size_t>(got))),
              own_prefix() + "one\n");
}

// fault: G1
TEST_F(StuckLog, DropsALineWhenThePipeIsFull) {
    fill();
    log().line(Level::Info, "not read");
    EXPECT_EQ(written().find("not read"), std::string::npos);
}

// fault: G1
TEST_F(StuckLog, CountsDroppedLinesWhenThereIsRoomAgain) {
    fill();
    for (int i = 0; i < 3; ++i) log().line(Level::Info, "lost", 4711);
    written();
    log().line(Level::Info, "passes", 4711);
    log().line(Level::Info, "so does this", 4711);
    EXPECT_EQ(written(), own_prefix() + "3 log lines were lost\n" + "portsplit[4711]: passes\n" +
                             "portsplit[4711]: so does this\n");
}

TEST_F(StuckLog, CountsDroppedLinesUntilTheCountIsWritten) {
    fill();
    log().line(Level::Info, "lost");
    log().line(Level::Info, "lost");
    written();
    fill();
    log().line(Level::Info, "lost");
    written();
    log().line(Level::Info, "passes");
    EXPECT_EQ(written(), own_prefix() + "3 log lines were lost\n" + own_prefix() + "passes\n");
}

TEST_F(StuckLog, ReturnsWhenTheReaderHasClosed) {
    reader().reset();
    log().line(Level::Info, "not read");
    log().line(Level::Info, "not read either");
}

TEST_F(LimitedLog, WritesTwentyLinesOfAKindAMinute) {
    for (int i = 0; i < 30; ++i) log().limited(Level::Error, "failures", "failed", 4711);
    const auto lines = lines_of(written());
    EXPECT_EQ(lines, std::vector<std::string>(20, "portsplit[4711]: failed"));
}

TEST_F(LimitedLog, CountsEachKindByItself) {
    for (int i = 0; i < 30; ++i) log().limited(Level::Error, "failures", "failed");
    written();
    log().limited(Level::Error, "other failures", "another");
    EXPECT_EQ(written(), own_prefix() + "another\n");
}

TEST_F(LimitedLog, DoesNotLimitOtherLines) {
    for (int i = 0; i < 30; ++i) log().limited(Level::Error, "failures", "failed");
    written();
    for (int i = 0; i < 30; ++i) log().line(Level::Error, "plain");
    EXPECT_EQ(lines_of(written()).size(), 30U);
}

TEST_F(LimitedLog, CountsLinesLeftOutAfterAMinute) {
    MovedClock clock;
    for (int i = 0; i < 33; ++i) log().limited(Level::Error, "failures", "failed", 4711);
    written();
    clock.move(61s);
    log().limited(Level::Error, "failures", "failed again", 4711);
    EXPECT_EQ(written(), own_prefix() + "13 more lines were left out: failures\n" +
                             "portsplit[4711]: failed again\n");
}

TEST_F(LimitedLog, WritesNoMoreLinesBeforeTheMinuteIsOver) {
    MovedClock clock;
    for (int i = 0; i < 20; ++i) log().limited(Level::Error, "failures", "failed");
    written();
    clock.move(58s);
    log().limited(Level::Error, "failures", "failed again");
    EXPECT_EQ(written(), "");
}

TEST_F(LimitedLog, BeginsAgainAfterEachMinute) {
    MovedClock clock;
    for (int minute = 0; minute < 3; ++minute) {
        for (int i = 0; i < 21; ++i) log().limited(Level::Error, "failures", "failed", 4711);
        EXPECT_EQ(lines_of(written()).size(), minute == 0 ? 20U : 21U) << "minute " << minute;
        clock.move(61s);
    }
}

TEST_F(LimitedLog, CountsNothingWhenNoLineWasLeftOut) {
    MovedClock clock;
    log().limited(Level::Error, "failures", "failed", 4711);
    clock.move(61s);
    log().limited(Level::Error, "failures", "failed again", 4711);
    EXPECT_EQ(written(), "portsplit[4711]: failed\nportsplit[4711]: failed again\n");
}

TEST(OpenLog, AppendsToAFileThatOnlyItsOwnerAndGroupMayRead) {
    const Folder folder;
    const std::string path = folder / "log";
    const mode_t mask = ::umask(0);  // else the mask of the caller may hide the mode
    for (const char* text : {"one", "two"}) {
        auto log = open_log(path, WithoutSyslog::Drop);
        EXPECT_TRUE(log);
        if (log) log->line(Level::Info, text);
    }
    ::umask(mask);
    std::ostringstream content;
    content << std::ifstream(path).rdbuf();
    EXPECT_EQ(without_dates(content.str()), own_prefix() + "one\n" + own_prefix() + "two\n");
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0137U, 0U);
}

TEST(OpenLog, LeavesTheFileBlockingForProgramsThatWriteToIt) {
    const Folder folder;
    const auto log = open_log(folder / "log", WithoutSyslog::Drop);
    ASSERT_TRUE(log);
    EXPECT_EQ(::fcntl(log->descriptor(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_TRUE(closes_on_exec(log->descriptor()));
}

TEST(OpenLog, DoesNotMakeATerminalTheControllingOne) {
    int keeper = -1;
    int terminal = -1;
    char path[64] = "";
    ASSERT_EQ(::openpty(&keeper, &terminal, path, nullptr, nullptr), 0);
    const UniqueFd ends[] = {UniqueFd(keeper), UniqueFd(terminal)};
    EXPECT_EQ(loopback::text_of_child([&] {
                  ::setsid();
                  const auto log = open_log(path, WithoutSyslog::Drop);
                  if (!log) return to_string(log.error());
                  const UniqueFd controlling(::open("/dev/tty", O_RDONLY | O_CLOEXEC));
                  return controlling ? "controlling"s : error_text(errno);
              }),
              "No such device or address");
}

TEST(OpenLog, NamesAFileThatItCannotOpen) {
    const Folder folder;
    const std::string path = folder / "missing" + "/log";
    const auto log = open_log(path, WithoutSyslog::Drop);
    ASSERT_FALSE(log);
    EXPECT_EQ(to_string(log.error()),
              "cannot open the log file " + path + ": No such file or directory");
}

TEST(OpenLog, DoesNotWaitForTheReaderOfAFifo) {
    const Folder folder;
    const std::string path = folder / "fifo";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    loopback::Child child([&] { return open_log(path, WithoutSyslog::Drop) ? 1 : 0; });
    EXPECT_EQ(child.status(), 0) << "open(2) without a reader fails with ENXIO";
}

TEST(OpenLog, DuplicatesStandardErrorAboveDescriptorTwo) {
    const auto log = open_log("stderr", WithoutSyslog::Drop);
    ASSERT_TRUE(log);
    EXPECT_GT(log->descriptor(), 2);
    EXPECT_TRUE(closes_on_exec(log->descriptor()));
}

/// open(2) of a socket below /proc fails with ENXIO, and so shows that none of these paths is opened.
TEST(OpenLog, DuplicatesTheDescriptorThatAPathNames) {
    const struct {
        std::string path;
        int fd;
    } cases[] = {
        {"/dev/stdout", 1}, {"/dev/stderr", 2}, {"/dev/fd/50", 50}, {"/proc/self/fd/51", 51}};
    for (const auto& test : cases) {
        loopback::Pair pair = loopback::unix_pair();
        loopback::Child child([&] {
            ::dup2(pair.near.get(), test.fd);
            auto log = open_log(test.path, WithoutSyslog::Drop);
            if (!log || !closes_on_exec(log->descriptor())) return 1;
            log->line(Level::Info, "text", 1);
            return 0;
        });
        pair.near.reset();
        EXPECT_EQ(without_dates(loopback::output_of(child, pair.far)), "portsplit[1]: text\n")
            << test.path;
    }
}

TEST(OpenLog, NamesADescriptorThatIsNotOpen) {
    const auto log = open_log("/dev/fd/98765", WithoutSyslog::Drop);
    ASSERT_FALSE(log);
    EXPECT_EQ(to_string(log.error()),
              "cannot open the log file /dev/fd/98765: Bad file descriptor");
}

TEST(LogDescriptor, IsNoneForAFileAndForSyslog) {
    EXPECT_EQ(log_descriptor("stderr"), 2);
    EXPECT_EQ(log_descriptor("/proc/self/fd/12"), 12);
    for (const char* file :
         {"syslog", "/var/log/x", "/dev/null", "/dev/fd", "/dev/fd/", "/dev/fd/x", "/dev/fd/-1",
          "/dev/fd/7x", "/dev/fd/99999999999", "dev/fd/7"}) {
        EXPECT_EQ(log_descriptor(file), std::nullopt) << file;
    }
}

TEST(OpenLog, OpensSyslogWhetherOrNotItRuns) {
    auto log = open_log("syslog", WithoutSyslog::Drop);
    ASSERT_TRUE(log);
}

}  // namespace
}  // namespace portsplit::sys
