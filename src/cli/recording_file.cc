#include "cli/recording_file.h"

#include <fmt/core.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "cli/capture.h"
#include "config/recording.h"
#include "core/model.h"
#include "sys/file.h"

namespace portsplit::cli {
namespace {

using config::Problem;
using Recording = core::Result<std::string, Problem>;

Recording bytes_of_hex_file(const std::string& path, std::string_view text) {
    auto bytes = config::read_recording(text);
    if (bytes) return *std::move(bytes);
    return Problem{fmt::format("{}:{}: {}", path, bytes.error().line, bytes.error().text)};
}

Recording bytes_of_capture(const std::string& path) {
    const Capture capture = read_capture(path, core::kLargestWindow);
    if (!capture.problem.empty()) return Problem{capture.problem};
    if (capture.streams.size() > 1) {
        return Problem{
            fmt::format("{}: a capture of {} connections; write one of them to a file of "
                        "its own, such as with tcpdump -r {} -w FILE port {}",
                        path, capture.streams.size(), path, capture.streams.front().client.port)};
    }
    if (capture.skipped > 0 || capture.streams.empty()) {
        return Problem{
            fmt::format("{}: a capture in which the beginning of a connection is missing; "
                        "capture one connection from its first packet on",
                        path)};
    }
    std::string bytes;
    for (const std::byte byte : capture.streams.front().bytes) bytes += std::to_integer<char>(byte);
    return bytes;
}

}  // namespace

Recording bytes_of_recording(const std::string& path) {
    auto content = sys::read_file(path);
    if (!content) {
        sys::SysError error = content.error();
        if (error.code == ENOENT) {
            error.advice = "a relative path begins in the folder of the file that names it";
        }
        return Problem{sys::to_string(error)};
    }
    if (path.ends_with(".hex")) return bytes_of_hex_file(path, *content);
    if (is_capture(*content)) return bytes_of_capture(path);
    if (content->empty()) return Problem{fmt::format("{}: the file is empty", path)};
    return *std::move(content);
}

}  // namespace portsplit::cli
