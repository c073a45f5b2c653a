#pragma once
// The file of cases of `portsplit test`: what a client sends, and what is expected to become of it. It is
// written in the classic spelling, a section for each case. Text to cases: opens no file.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/issue.h"
#include "config/value.h"
#include "core/entrance.h"
#include "core/model.h"
#include "core/result.h"
#include "core/verdict.h"

namespace portsplit::cli {

/// One client, and what is expected of its connection.
struct Case {
    std::string name;
    int line = 1;  ///< on which it begins
    std::string bytes;
    core::Ending ending = core::Ending::Deadline;  ///< what comes behind the bytes
    std::string service;                           ///< as in a log line: `-` for none
    std::optional<core::Reason> reason = std::nullopt;
    std::optional<std::size_t> certain = std::nullopt;
    core::Entrance entrance = {};  ///< the way by which the client came
};

struct Cases {
    std::vector<Case> cases;            ///< in the order of the file; none if an issue is an error
    std::vector<config::Issue> issues;  ///< errors and warnings
};

/// Returns the bytes of a recording, or what is wrong with it, as a sentence.
using ReadRecording =
    std::function<core::Result<std::string, config::Problem>(const std::string& path)>;

/// Reads a file of cases.
/// @param file_name  the name in issues; relative paths of recordings begin in its folder
/// @param config  the configuration under test: a case must expect one of its services
Cases read_cases(std::string_view text, const std::string& file_name, const core::Config& config,
                 const ReadRecording& read_recording);

/// Returns true if a text is a file of cases and no configuration: each section expects a service, and none
/// has an action.
bool is_file_of_cases(std::string_view text);

}  // namespace portsplit::cli
