#pragma once
// The front door of this room: the text of a configuration file to the model, or to everything that
// is wrong with it. Reads no file itself.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/builder.h"
#include "config/document.h"
#include "config/issue.h"
#include "config/origins.h"
#include "core/model.h"

namespace portsplit::config {

struct Loaded {
    std::optional<core::Config> config;  ///< present if no issue is an error
    core::Config draft;                  ///< what could be read even so, for further checks only
    std::vector<Issue> issues;           ///< errors and warnings in the order of the lines
    Spelling spelling = Spelling::Classic;
    Origins origins;
};

/// Reads a configuration in either spelling.
/// @param file_name  for the issues only
Loaded read(std::string_view text, const std::string& file_name, Need need);

/// The answers of the system that a configuration will run on. What is left empty is not asked.
struct Surroundings {
    /// Why a program cannot be started; empty if it can. A bare name is to be looked up in PATH.
    std::function<std::string(const std::string& program)> why_not_executable = {};
    std::function<bool(const std::string& name)> user_exists = {};
    std::function<bool(const std::string& name)> group_exists = {};
};

/// What a valid configuration names that is not there, in the order of the lines.
std::vector<Issue> check_surroundings(const Loaded& loaded, const Surroundings& surroundings);

/// Warns of a missing `fallback` or `timeout`, without which a stranger can tell Portsplit from the
/// server that it hides behind. For whoever asks for advice; a daemon starts without.
std::vector<Issue> lint_last_resorts(const Loaded& loaded);

}  // namespace portsplit::config
