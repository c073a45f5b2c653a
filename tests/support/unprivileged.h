#pragma once
// Tests whose result depends on root: what needs root fails loudly without it, as the tests of
// integration/ do, and what needs another user runs in a child that has given up root.

#include <grp.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "support/child.h"

namespace portsplit::loopback {

/// Returns true if a test that needs root may be skipped: not root, and the caller has said so with
/// PORTSPLIT_TEST_UNPRIVILEGED=1.
inline bool may_skip_root() {
    const char* allowed = std::getenv("PORTSPLIT_TEST_UNPRIVILEGED");
    return ::geteuid() != 0 && allowed != nullptr && std::string_view(allowed) == "1";
}

/// Runs `work` in a child that is not root, and returns what it returned.
inline std::string told_without_root(const std::function<std::string()>& work) {
    constexpr unsigned kNobody = 65534;
    return told_by_child([&]() -> std::string {
        if (::geteuid() == 0 &&
            (::setgroups(0, nullptr) < 0 || ::setresgid(kNobody, kNobody, kNobody) < 0 ||
             ::setresuid(kNobody, kNobody, kNobody) < 0)) {
            return "cannot give up root";
        }
        return work();
    });
}

}  // namespace portsplit::loopback
