#include "cli/capture.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/packets.h"

namespace portsplit::cli {
namespace {

constexpr std::size_t kMost = 64;

/// Writes a capture file of raw IP packets (pcap-savefile(5)). The destructor removes it.
class CaptureFile {
  public:
    explicit CaptureFile(const std::vector<std::string>& packets)
        : path_(testing::TempDir() + "portsplit-capture-" + std::to_string(getpid())) {
        std::ofstream file(path_, std::ios::binary);
        file << number(0xA1B2C3D4, 4) << number(0x00020004, 4) << number(0, 4) << number(0, 4)
             << number(65535, 4) << number(101, 4);
        for (const std::string& packet : packets) {
            const auto size = static_cast<std::uint32_t>(packet.size());
            file << number(0, 4) << number(0, 4) << number(size, 4) << number(size, 4) << packet;
        }
    }
    CaptureFile(const CaptureFile&) = delete;
    CaptureFile& operator=(const CaptureFile&) = delete;
    ~CaptureFile() { std::filesystem::remove(path_); }

    /// Cuts the last bytes off, as in a file that is still being written.
    void cut(std::uintmax_t bytes) const {
        std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - bytes);
    }

    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

std::string text_of(const Stream& stream) {
    std::string text;
    for (const std::byte byte : stream.bytes) text += std::to_integer<char>(byte);
    return text + (stream.ended ? "." : "");
}

/// Returns the bytes of each stream, with `.` at the end of a finished stream.
std::vector<std::string> streams_of(const std::vector<Tcp>& segments) {
    std::vector<std::string> packets;
    packets.reserve(segments.size());
    for (const Tcp& segment : segments) packets.push_back(ipv4(tcp(segment)));
    const CaptureFile file(packets);
    const Capture capture = read_capture(file.path(), kMost);
    EXPECT_EQ(capture.problem, "");
    std::vector<std::string> texts;
    for (const Stream& stream : capture.streams) texts.push_back(text_of(stream));
    return texts;
}

using Texts = std::vector<std::string>;
const Tcp kOpening{.sequence = 999, .flags = kSyn};

TEST(Capture, JoinsTheSegmentsOfAStream) {
    EXPECT_EQ(streams_of({kOpening,
                          {.sequence = 1000, .payload = "SSH"},
                          {.sequence = 1003, .payload = "-2.0"}}),
              (Texts{"SSH-2.0"}));
}

TEST(Capture, SortsSegmentsBySequenceNumber) {
    EXPECT_EQ(streams_of({kOpening,
                          {.sequence = 1006, .payload = "g"},
                          {.sequence = 1003, .payload = "def"},
                          {.sequence = 1000, .payload = "abc"}}),
              (Texts{"abcdefg"}));
}

TEST(Capture, DropsRetransmittedBytes) {
    EXPECT_EQ(streams_of({kOpening,
                          {.sequence = 1000, .payload = "abc"},
                          kOpening,
                          {.sequence = 1000, .payload = "abc"},
                          {.sequence = 1001, .payload = "bcde"}}),
              (Texts{"abcde"}));
}

TEST(Capture, StopsAtAGap) {
    EXPECT_EQ(streams_of({kOpening,
                          {.sequence = 1000, .payload = "abc"},
                          {.sequence = 1004, .flags = kAck | kFin, .payload = "e"}}),
              (Texts{"abc"}));
}

TEST(Capture, ReportsTheEndWhenNoByteIsMissing) {
    EXPECT_EQ(streams_of({kOpening, {.sequence = 1000, .flags = kAck | kFin, .payload = "abc"}}),
              (Texts{"abc."}));
    EXPECT_EQ(streams_of({kOpening,
                          {.sequence = 1003, .flags = kAck | kFin},
                          {.sequence = 1000, .payload = "abc"}}),
              (Texts{"abc."}));
}

TEST(Capture, KeepsTheBytesOfTheSyn) {
    EXPECT_EQ(streams_of({{.sequence = 999, .flags = kSyn, .payload = "ab"},
                          {.sequence = 1002, .payload = "c"}}),
              (Texts{"abc"}));
}

TEST(Capture, DropsTheBytesOfTheServer) {
    EXPECT_EQ(streams_of({kOpening,
                          {.source = 443, .destination = 50022, .flags = kSyn | kAck},
                          {.source = 443, .destination = 50022, .payload = "banner"},
                          {.sequence = 1000, .payload = "a"}}),
              (Texts{"a"}));
}

TEST(Capture, SeparatesStreamsOfOnePort) {
    EXPECT_EQ(streams_of({kOpening,
                          {.sequence = 1000, .payload = "first"},
                          {.sequence = 4999, .flags = kSyn},
                          {.sequence = 5000, .payload = "second"}}),
              (Texts{"first", "second"}));
}

TEST(Capture, FollowsSequenceNumbersThatWrap) {
    EXPECT_EQ(streams_of({{.sequence = 0xFFFFFFFD, .flags = kSyn},
                          {.sequence = 0xFFFFFFFE, .payload = "ab"},
                          {.sequence = 0, .payload = "cd"}}),
              (Texts{"abcd"}));
}

TEST(Capture, KeepsTheFirstBytesUpToTheLimit) {
    EXPECT_EQ(streams_of({kOpening,
                          {.sequence = 1000, .payload = std::string(60, 'a')},
                          {.sequence = 1060, .flags = kFin, .payload = std::string(60, 'b')}}),
              (Texts{std::string(60, 'a') + "bbbb."}));
}

TEST(Capture, CountsSegmentsOfStreamsWithoutASyn) {
    const CaptureFile file({ipv4(tcp({.payload = "abc"})), ipv4(tcp({.payload = "abc"}))});
    const Capture capture = read_capture(file.path(), kMost);
    EXPECT_TRUE(capture.streams.empty());
    EXPECT_EQ(capture.skipped, 2U);
}

TEST(Capture, NamesAFileThatCannotBeRead) {
    const Capture missing = read_capture("/nowhere", kMost);
    EXPECT_TRUE(missing.streams.empty());
    EXPECT_EQ(missing.problem, "cannot read the capture /nowhere: No such file or directory");
    const Capture folder = read_capture("/", kMost);
    EXPECT_EQ(folder.problem, "cannot read the capture /: error reading dump file: Is a directory");
}

TEST(Capture, ReturnsTheStreamsOfACutFile) {
    const CaptureFile file({ipv4(tcp(kOpening)), ipv4(tcp({.sequence = 1000, .payload = "abc"})),
                            ipv4(tcp({.sequence = 1003, .payload = "lost"}))});
    file.cut(1);
    const Capture capture = read_capture(file.path(), kMost);
    ASSERT_EQ(capture.streams.size(), 1U);
    EXPECT_EQ(text_of(capture.streams[0]), "abc");
    // The rest of the message comes from libpcap.
    EXPECT_TRUE(capture.problem.starts_with("cannot read the rest of " + file.path() + ": "))
        << capture.problem;
}

}  // namespace
}  // namespace portsplit::cli
