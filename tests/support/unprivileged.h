#pragma once
// For tests whose result depends on root. A test that needs root fails without it, as in integration/.
// A test that needs another user runs in a child that drops root.

#include <grp.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "support/child.h"

namespace portsplit::loopback {

/// Returns true if a test that needs root may be skipped: this process is not root, and
/// PORTSPLIT_TEST_UNPRIVILEGED is 1.
inline bool may_skip_root() {
    const char* allowed = std::getenv("PORTSPLIT_TEST_UNPRIVILEGED");
    return ::geteuid() != 0 && allowed != nullptr && std::string_view(allowed) == "1";
}

/// Runs `work` in a child that is not root, and returns what it returned.
inline std::string text_without_root(const std::function<std::string()>& work) {
    constexpr unsigned kNobody = 65534;
    return text_of_child([&]() -> std::string {
        if (::geteuid() == 0 &&
            (::setgroups(0, nullptr) < 0 || ::setresgid(kNobody, kNobody, kNobody) < 0 ||
             ::setresuid(kNobody, kNobody, kNobody) < 0)) {
            return "cannot drop root";
        }
        return work();
    });
}

}  // namespace portsplit::loopback
