#pragma once
// Plans in one line, for tests in which only a few services matter, and a reporter that keeps what a
// dispatcher publishes.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/plan.h"
#include "core/verdict.h"
#include "dispatch/progress.h"

namespace portsplit::dispatch {

inline core::Service service(std::string name, std::vector<std::string> prefixes,
                             core::Action action) {
    core::Service result{std::move(name), {}, std::move(action)};
    for (std::string& prefix : prefixes) {
        result.patterns.push_back({core::PatternKind::String, std::move(prefix)});
    }
    return result;
}

inline core::Plan plan_of(std::vector<core::Service> services) {
    core::Config config;
    config.services = std::move(services);
    return core::Plan(std::move(config));
}

inline core::Connect to(const std::string& host, std::uint16_t port) { return {{{host, port}}}; }

inline core::Exec program(std::string path, std::vector<std::string> arguments = {},
                          core::Stdio stdio = core::Stdio::Socket) {
    return {std::move(path), std::move(arguments), stdio, core::StderrTo::Log};
}

/// A program that runs a shell script.
inline core::Exec shell(const std::string& script, core::Stdio stdio = core::Stdio::Socket) {
    return program("/bin/sh", {"-c", script}, stdio);
}

/// Returns `SERVICE REASON`; `close REASON` if no service wins.
inline std::string words(const core::Plan& plan, const core::Verdict& verdict) {
    const std::string name = verdict.service ? plan.service(*verdict.service).name : "close";
    return name + " " + std::string(core::to_string(verdict.reason));
}

/// Keeps every message that is sent.
class Recorder final : public Reporter {
  public:
    const std::vector<Progress>& messages() const { return messages_; }
    const Progress& last() const { return messages_.back(); }

  protected:
    void send(const Progress& progress) override { messages_.push_back(progress); }

  private:
    std::vector<Progress> messages_;
};

}  // namespace portsplit::dispatch
