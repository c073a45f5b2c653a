// Any text as a recording in hex, compared with a second reader that knows only pairs of digits. Written again, the
// bytes are read as the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/recording.h"
#include "support/checks.h"
#include "support/fuzz_input.h"

namespace {

using namespace portsplit;
using core::require;

constexpr std::string_view kDigits = "0123456789abcdef";

std::optional<unsigned> digit(char written) {
    const char lower = written >= 'A' && written <= 'F' ? static_cast<char>(written + 32) : written;
    const std::size_t value = kDigits.find(lower);
    if (value == kDigits.npos) return std::nullopt;
    return static_cast<unsigned>(value);
}

/// Returns the bytes of a line that has nothing but pairs of digits and blanks; nothing for another line. Both may
/// differ about a line that ends with a carriage return.
std::optional<std::string> bytes_of(std::string_view line) {
    std::string bytes;
    for (std::size_t i = 0; i < line.size();) {
        if (line[i] == ' ' || line[i] == '\t') {
            ++i;
            continue;
        }
        const auto high = digit(line[i]);
        const auto low = i + 1 < line.size() ? digit(line[i + 1]) : std::nullopt;
        if (!high || !low) return std::nullopt;
        bytes += static_cast<char>(*high << 4 | *low);
        i += 2;
    }
    return bytes;
}

std::optional<std::string> read(std::string_view text) {
    std::string bytes;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.starts_with('#')) continue;
        const auto more = bytes_of(line);
        if (!more) return std::nullopt;
        bytes += *more;
    }
    if (bytes.empty()) return std::nullopt;
    return bytes;
}

std::string written(std::string_view bytes) {
    std::string text = "# written\n";
    for (const char c : bytes) {
        const auto value = static_cast<unsigned char>(c);
        text += kDigits[value >> 4];
        text += kDigits[value & 0xF];
        text += value % 16 == 0 ? '\n' : ' ';
    }
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    const auto bytes = config::read_recording(text);
    if (text.find_first_of("\r\v\f") == text.npos && text.find('\0') == text.npos) {
        const auto expected = read(text);
        require(bytes.ok() == expected.has_value(), "both readers read the text, or none");
        require(!bytes || *bytes == *expected, "both read the same bytes");
    }
    if (!bytes) {
        const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
        require(bytes.error().line >= 1 && bytes.error().line <= lines,
                "a problem is on a line of the text");
        require(core::is_one_line(bytes.error().text), "a problem is one line");
        return 0;
    }
    core::note_accepted();
    const auto again = config::read_recording(written(*bytes));
    require(again && *again == *bytes, "what was read is written as the same");
    return 0;
}
