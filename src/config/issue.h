#pragma once
// Problems of a configuration file, as the administrator reads them. They are collected, never
// thrown: whoever reads a file goes on to the next problem.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace portsplit::config {

enum class Severity {
    Error,    ///< the file is not used
    Warning,  ///< the file is used, perhaps not as its author thinks
};

struct Issue {
    Severity severity = Severity::Error;
    std::string file;
    int line = 1;  ///< from 1; where the whole file is meant, 1
    std::string text;
    std::string excerpt = {};  ///< whole lines that show the place, for whoever has more than one

    bool operator==(const Issue&) const = default;
};

/// `FILE:LINE: text`, or `FILE:LINE: warning: text`.
std::string to_string(const Issue& issue);

/// Collects the issues of one file.
class Issues {
  public:
    /// How many are kept. A file of another kind would otherwise cost memory without bound.
    static constexpr std::size_t kMost = 1000;

    /// @param text  what the file holds; no issue ever speaks of a line that it does not have
    Issues(std::string file, std::string_view text);

    void error(int line, std::string text, std::string excerpt = {}) {
        add(Severity::Error, line, std::move(text), std::move(excerpt));
    }
    void warning(int line, std::string text) { add(Severity::Warning, line, std::move(text), {}); }

    const std::string& file() const { return file_; }
    bool has_errors() const { return has_errors_; }

    /// All of them in the order of the lines, those of one line in the order they were found.
    std::vector<Issue> sorted() const;

  private:
    void add(Severity severity, int line, std::string text, std::string excerpt);

    std::string file_;
    int last_line_;
    bool has_errors_ = false;
    std::vector<Issue> found_;
};

}  // namespace portsplit::config
