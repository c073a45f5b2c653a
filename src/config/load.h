#pragma once
// The entry to this room: the text of a configuration file to the model, or to everything that is
// wrong with it. Opens no file itself; config_file.h does, for the programs.

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

/// A name in a configuration that only the system can judge.
struct Outside {
    enum class Kind { Program, User, Group };

    Kind kind = Kind::Program;
    std::string name;
    Spot spot;
};

struct Loaded {
    std::optional<core::Config> config;     ///< present if no issue is an error
    std::vector<Issue> issues;              ///< errors and warnings, in the order of their spots
    Spelling spelling = Spelling::Classic;  ///< of FILE itself, not of those it includes
    Origins origins;
    std::vector<Outside> outside;  ///< also of a configuration with errors
};

/// Reads a configuration in either spelling, and what it includes.
/// @param file_name  the name in issues; its folder is where relative paths of includes begin
Loaded read(std::string_view text, const std::string& file_name, Need need,
            const Files& files = {});

/// What the system says of a name. A function that is empty is not called.
struct Surroundings {
    /// Returns why a program cannot be executed, or an empty text. A bare name is looked up in PATH.
    std::function<std::string(const std::string& program)> why_not_executable = {};
    std::function<bool(const std::string& name)> user_exists = {};
    std::function<bool(const std::string& name)> group_exists = {};
};

/// Returns an error for each program, user and group that the system does not have, in the order of
/// their spots.
std::vector<Issue> check_surroundings(const Loaded& loaded, const Surroundings& surroundings);

}  // namespace portsplit::config
