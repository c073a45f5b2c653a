#include "sys/oom.h"

#include <fcntl.h>

#include <charconv>
#include <string>

#include "sys/fd.h"
#include "sys/file.h"

namespace portsplit::sys {
namespace {

constexpr const char* kFile = "/proc/self/oom_score_adj";

}  // namespace

std::optional<int> oom_score_adjust() {
    const auto text = read_file(kFile);
    if (!text) return std::nullopt;
    int value = 0;
    const auto read = std::from_chars(text->data(), text->data() + text->size(), value);
    if (read.ec != std::errc()) return std::nullopt;
    return value;
}

bool set_oom_score_adjust(int value) {
    const UniqueFd file(::open(kFile, O_WRONLY | O_CLOEXEC));
    return file && write_all(file.get(), std::to_string(value)).ok();
}

}  // namespace portsplit::sys
