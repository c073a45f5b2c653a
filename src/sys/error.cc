#include "sys/error.h"

#include <cstring>

namespace portsplit::sys {

std::string to_string(const SysError& error) { return error.what + ": " + error_text(error.code); }

std::string error_text(int code) {
    char buffer[128];
    return strerror_r(code, buffer, sizeof buffer);
}

}  // namespace portsplit::sys
