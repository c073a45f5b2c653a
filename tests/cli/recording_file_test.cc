#include "cli/recording_file.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "support/folder.h"
#include "support/packets.h"

namespace portsplit::cli {
namespace {

using namespace std::string_literals;

/// A file that is gone after the test.
class RecordingFile : public testing::Test {
  protected:
    std::string write(const std::string& name, const std::string& content) const {
        std::ofstream(folder_ / name, std::ios::binary) << content;
        return folder_ / name;
    }
    /// Writes a capture of raw IP packets (pcap-savefile(5)).
    std::string write_capture(const std::vector<Tcp>& segments) const {
        std::string content = number(0xA1B2C3D4, 4) + number(0x00020004, 4) + number(0, 4) +
                              number(0, 4) + number(65535, 4) + number(101, 4);
        for (const Tcp& segment : segments) {
            const std::string packet = ipv4(tcp(segment));
            const auto size = static_cast<std::uint32_t>(packet.size());
            content += number(0, 4) + number(0, 4) + number(size, 4) + number(size, 4) + packet;
        }
        return write("capture", content);
    }
    static std::string problem_of(const std::string& path) {
        const auto bytes = bytes_of_recording(path);
        return bytes ? "none" : bytes.error().text;
    }

    const Folder folder_;
};

TEST_F(RecordingFile, IsHexIfItsNameSaysSo) {
    EXPECT_EQ(*bytes_of_recording(write("a.hex", "# a\n16 03\n")), "\x16\x03");
    const std::string wrong = write("b.hex", "16\n0x03\n");
    EXPECT_EQ(problem_of(wrong),
              wrong + ":2: 0x, which is not written here; write 16 03 for 0x16 0x03 (at byte 1)");
}

TEST_F(RecordingFile, IsTheBytesThemselvesUnderAnyOtherName) {
    EXPECT_EQ(*bytes_of_recording(write("a", "# 16\n\0"s)), "# 16\n\0"s);
}

TEST_F(RecordingFile, IsTheClientOfACaptureOfOneConnection) {
    EXPECT_EQ(*bytes_of_recording(write_capture({{.sequence = 999, .flags = kSyn},
                                                 {.sequence = 1000, .payload = "GET "},
                                                 {.sequence = 1004, .payload = "/"}})),
              "GET /");
}

TEST_F(RecordingFile, RefusesACaptureOfSeveralConnections) {
    const std::string capture =
        write_capture({{.sequence = 999, .flags = kSyn}, {.source = 50023, .flags = kSyn}});
    EXPECT_EQ(problem_of(capture), capture +
                                       ": a capture of 2 connections; write one of them to a file "
                                       "of its own, such as with tcpdump -r " +
                                       capture + " -w FILE port 50022");
}

TEST_F(RecordingFile, RefusesACaptureWithoutTheBeginningOfAConnection) {
    const std::string problem =
        ": a capture in which the beginning of a connection is missing; capture one connection "
        "from its first packet on";
    EXPECT_EQ(problem_of(write_capture({})), (folder_ / "capture") + problem);
    EXPECT_EQ(problem_of(write_capture(
                  {{.sequence = 999, .flags = kSyn}, {.source = 50023, .payload = "x"}})),
              (folder_ / "capture") + problem);
}

TEST_F(RecordingFile, RefusesACaptureThatBreaksOff) {
    const std::string problem = problem_of(write("capture", number(0xA1B2C3D4, 4)));
    EXPECT_TRUE(problem.starts_with("cannot read the capture " + (folder_ / "capture") + ": "))
        << problem;
}

TEST_F(RecordingFile, NamesAFileThatIsMissingOrEmpty) {
    EXPECT_EQ(problem_of(folder_ / "none"), "cannot read " + (folder_ / "none") +
                                                ": No such file or directory; a relative path "
                                                "begins in the folder of the file that names it");
    const std::string empty = write("empty", "");
    EXPECT_EQ(problem_of(empty), empty + ": the file is empty");
}

}  // namespace
}  // namespace portsplit::cli
