#include "sys/error.h"

#include <fmt/core.h>

#include <cstring>

namespace portsplit::sys {

std::string to_string(const SysError& error) {
    return fmt::format("{}: {}", error.what, error_text(error.code));
}

std::string error_text(int code) {
    char buffer[128];  // the longest text of glibc has 50 bytes
    return strerror_r(code, buffer, sizeof buffer);
}

}  // namespace portsplit::sys
