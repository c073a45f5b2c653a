#pragma once
// The front door of this room: the text of a configuration file to the model, or to everything that
// is wrong with it. Opens no file itself.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/builder.h"
#include "config/document.h"
#include "config/include.h"
#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

struct Loaded {
    std::optional<core::Config> config;     ///< present if no issue is an error
    core::Config draft;                     ///< what could be read even so, for further checks only
    std::vector<Issue> issues;              ///< errors and warnings, as `sort_by_spot` has them
    Spelling spelling = Spelling::Classic;  ///< of the file that was asked for
    Origins origins;
};

/// Reads a configuration in either spelling, and what it includes.
/// @param file_name  for the issues, and for the folder that the paths of includes begin at
Loaded read(std::string_view text, const std::string& file_name, Need need,
            const Files& files = {});

/// The answers of the system that a configuration will run on. What is left empty is not asked.
struct Surroundings {
    /// Why a program cannot be started; empty if it can. A bare name is to be looked up in PATH.
    std::function<std::string(const std::string& program)> why_not_executable = {};
    std::function<bool(const std::string& name)> user_exists = {};
    std::function<bool(const std::string& name)> group_exists = {};
};

/// What a valid configuration names that is not there, in the order of the files.
std::vector<Issue> check_surroundings(const Loaded& loaded, const Surroundings& surroundings);

}  // namespace portsplit::config
