#pragma once
// Failures of the system as values: what was tried, and the errno that came of it.

#include <cerrno>
#include <string>

#include "core/result.h"

namespace portsplit::sys {

/// A system call that failed.
struct SysError {
    int code = 0;      ///< errno
    std::string what;  ///< the action and its object: "cannot bind 127.0.0.1:80"
};

/// `what: errno in words`, a whole sentence for the log.
std::string to_string(const SysError& error);

/// The words for an errno, e.g. "Connection refused".
std::string error_text(int code);

template <typename T>
using Result = core::Result<T, SysError>;
using core::Done;

/// Repeats a system call while a signal interrupts it (EINTR, signal(7)).
template <typename Call>
auto retry(Call call) {
    auto outcome = call();
    while (outcome < 0 && errno == EINTR) outcome = call();
    return outcome;
}

}  // namespace portsplit::sys
