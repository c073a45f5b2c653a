#pragma once
// The entry to this room. Reads the text of a configuration file and returns the model, or every problem
// of the text. Opens no file itself; config_file.h does, for the programs.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/builder.h"
#include "config/document.h"
#include "config/include.h"
#include "config/issue.h"
#include "config/key_table.h"
#include "core/model.h"
#include "core/resource_limit.h"

namespace portsplit::config {

/// A program, folder, user or group named in a configuration, which must exist on this machine.
struct Outside {
    /// Whose value it is: its type is Program, Folder, UserName or GroupName.
    const Key* key = nullptr;
    std::string name;
    Spot spot;
    std::string bind{};  ///< as it is written, if this is an owner of its socket
};

struct Loaded {
    std::optional<core::Config> config;     ///< present if no issue is an error
    std::vector<Issue> issues;              ///< errors and warnings, in the order of their spots
    Spelling spelling = Spelling::Classic;  ///< of FILE itself, not of included files
    Origins origins;
    std::vector<Outside> outside;  ///< also of a configuration with errors
};

/// Reads a configuration in either spelling, with the files that it includes.
/// @param file_name  the name in issues; relative paths of includes begin in its folder
Loaded read(std::string_view text, const std::string& file_name, Need need,
            const Files& files = {});

/// Look-ups on this machine, for `check_surroundings`, rights.h and trust.h. An empty function is not called.
struct Surroundings {
    /// Returns why a program cannot be executed, or an empty text. A bare name is looked up in PATH.
    std::function<std::string(const std::string& program)> why_not_executable = {};
    /// Returns why a folder cannot be entered, or an empty text.
    std::function<std::string(const std::string& path)> why_no_folder = {};
    std::function<bool(const std::string& name)> user_exists = {};
    std::function<bool(const std::string& name)> group_exists = {};
    /// Returns why this process cannot start a program as a user and a group, one of them empty or none, or an empty
    /// text.
    std::function<std::string(const std::string& user, const std::string& group)> why_not_become =
        {};
    /// The same for a limit and for a nice value.
    std::function<std::string(const core::ResourceLimit&)> why_no_limit = {};
    std::function<std::string(int nice)> why_no_nice = {};
    /// Returns the file, or the folder on its path, that every user of this machine can write; else nothing.
    std::function<std::string(const std::string& path)> writable_by_all = {};
    /// The same for a program, which is found as by `why_not_executable`.
    std::function<std::string(const std::string& program)> program_writable_by_all = {};
    /// Returns true if a program is a script: its file begins with `#!`.
    std::function<bool(const std::string& program)> is_script = {};
};

/// Returns an error for each program, folder, user and group that this machine does not have, in the order of
/// their spots.
std::vector<Issue> check_surroundings(const Loaded& loaded, const Surroundings& surroundings);

}  // namespace portsplit::config
