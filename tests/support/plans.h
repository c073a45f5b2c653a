#pragma once
// Plans in one line, for tests in which only a few services matter, and a reporter that keeps what a
// dispatcher publishes.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/passing.h"
#include "core/plan.h"
#include "core/verdict.h"
#include "dispatch/progress.h"

namespace portsplit::dispatch {

inline core::Service service(std::string_view name, const std::vector<std::string>& prefixes,
                             core::Action action) {
    core::Service result;
    result.name = name;
    result.action = std::move(action);
    for (const std::string& prefix : prefixes) {
        result.patterns.push_back({core::PatternKind::String, core::Text(prefix)});
    }
    return result;
}

inline core::Plan plan_of(const std::vector<core::Service>& services) {
    core::Config config;
    config.services.assign(services.begin(), services.end());
    return core::Plan(config);
}

inline core::Connect to(std::string_view host, std::uint16_t port) {
    return {{{core::Text(host), port}}};
}

inline core::Exec program(std::string_view path, core::List<core::Text> arguments = {},
                          core::Stdio stdio = core::Stdio::Socket) {
    core::Exec exec;
    exec.program = path;
    exec.arguments = std::move(arguments);
    exec.stdio = stdio;
    return exec;
}

/// A program that runs a shell script.
inline core::Exec shell(std::string_view script, core::Stdio stdio = core::Stdio::Socket) {
    return program("/bin/sh", {"-c", core::Text(script)}, stdio);
}

/// Returns `SERVICE REASON`; `close REASON` if no service wins.
inline std::string words(const core::Plan& plan, const core::Verdict& verdict) {
    const core::Text name = verdict.service ? plan.service(*verdict.service).name : "close";
    return std::string(name) + " " + std::string(core::to_string(verdict.reason));
}

inline std::string words(const core::Plan& plan, const core::Decided& decided) {
    return words(plan, decided.verdict);
}

/// Keeps every message that is sent.
class Recorder final : public Reporter {
  public:
    const std::vector<Progress>& messages() const { return messages_; }
    const Progress& last() const { return messages_.back(); }
    /// Returns the fields that the last message carried.
    const std::string& last_fields() const { return fields_; }

  protected:
    sys::Result<sys::Done> send(const Progress& progress, int /*fd*/) override {
        messages_.push_back(progress);
        fields_ = fields();
        return sys::Done{};
    }

  private:
    std::vector<Progress> messages_;
    std::string fields_;
};

}  // namespace portsplit::dispatch
