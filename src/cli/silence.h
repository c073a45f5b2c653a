#pragma once
// The option --silence of `portsplit check`: the warnings that are not printed.

#include <string>
#include <vector>

#include "config/issue.h"
#include "core/result.h"

namespace portsplit::cli {

/// A list of warnings. Errors have no name, so it never covers an error.
class Silence {
  public:
    /// @param words  each NAME, or NAME:SERVICE for the warnings of one service
    /// @returns a message for the administrator if a word does not begin with a warning's name
    static core::Result<Silence, std::string> from(std::vector<std::string> words);

    /// Returns true if the issue is not printed.
    bool covers(const config::Issue& issue) const;

  private:
    explicit Silence(std::vector<std::string> words) : words_(std::move(words)) {}

    std::vector<std::string> words_;
};

}  // namespace portsplit::cli
