#include "sys/error.h"

#include <fmt/core.h>

#include <cstring>

namespace portsplit::sys {

std::string to_string(const SysError& error) {
    const char* separator = error.advice.empty() ? "" : "; ";
    return fmt::format("{}: {}{}{}", error.what, error_text(error.code), separator, error.advice);
}

std::string error_text(int code) {
    char buffer[128];  // the longest text of glibc has 50 bytes
    return strerror_r(code, buffer, sizeof buffer);
}

}  // namespace portsplit::sys
