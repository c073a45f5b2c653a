#pragma once
// A plan whose services get fields, for tests of what a sniffer answers.

#include <utility>

#include "core/plan.h"
#include "support/layouts.h"

namespace portsplit::dispatch {

/// A plan with the services `web`, a program that gets a field, `far`, a target that gets one, `fallback`, and
/// no `timeout`.
inline const core::Plan& sniffer_plan() {
    static const core::Plan plan = [] {
        core::Config config;
        config.layouts.push_back(core::layout_of({"start = 'R' <name 8>"}));
        core::Exec exec{.program = "/bin/cat", .arguments = {}};
        exec.env = {"NAME test.name", "FIXED=1"};
        core::Service web{.name = "web", .patterns = {}, .action = exec};
        web.patterns = {{core::PatternKind::String, "W"}};
        core::Connect connect{.targets = {{"127.0.0.1", 1}}};
        connect.proxy = core::ProxyHeader::V2;
        connect.proxy_tlv = {"0xE0 test.name", "crc32c", "alpn test.name"};
        core::Service far{.name = "far", .patterns = {}, .action = connect};
        far.patterns = {{core::PatternKind::String, "F"}};
        core::Service fallback{.name = core::kFallback, .patterns = {}, .action = exec};
        config.services = {web, far, fallback};
        return core::Plan(config);
    }();
    return plan;
}

}  // namespace portsplit::dispatch
