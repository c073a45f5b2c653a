#pragma once
// A configuration for the writers' tests: lists, bytes that need escapes, an empty argument.

#include <chrono>
#include <string>

#include "core/model.h"

namespace portsplit::config {

inline core::Config example() {
    core::Config config;
    config.top.bind = {{"0.0.0.0", 443}, {"::", 443}};
    config.top.timeout = std::chrono::milliseconds(2500);
    config.services = {
        {"ssh", {{core::PatternKind::String, "SSH-"}}, core::Connect{{{"127.0.0.1", 22}}}},
        {"web",
         {{core::PatternKind::String, "GET "}, {core::PatternKind::String, core::Text("\0\\", 2)}},
         core::Exec{"/usr/sbin/httpd", {"-i", ""}, core::Stdio::Pipe, core::StderrTo::Null}},
        {"fallback", {}, core::Connect{{{"127.0.0.1", 8443}, {"::1", 8443}}}}};
    return config;
}

}  // namespace portsplit::config
