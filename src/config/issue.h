#pragma once
// Problems of a configuration, as the administrator reads them. They are collected, never thrown:
// whoever reads a file goes on to the next problem.

#include <compare>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portsplit::config {

/// A line of one of the files that a configuration is read from.
struct Spot {
    int file = 0;  ///< in the order in which they are read; 0 is the one that was asked for
    int line = 1;  ///< from 1; where the whole file is meant, 1

    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 reports the 0 of a defaulted <=>.
    auto operator<=>(const Spot&) const = default;
};

/// `on line 7`, or `at FILE:7` for a message that stands in another file.
/// @param files  the names of all
std::string where(Spot spot, Spot message, const std::vector<std::string>& files);

enum class Severity {
    Error,    ///< the configuration is not used
    Warning,  ///< the configuration is used, perhaps not as its author thinks
};

struct Issue {
    Severity severity = Severity::Error;
    Spot spot = {};
    std::string file = {};  ///< the name of the file that the spot is in
    std::string text = {};
    std::string excerpt = {};    ///< whole lines that show the place, for whoever has more than one
    std::string_view name = {};  ///< of a warning that can be silenced
    std::string service = {};    ///< whose it is, if it is one's

    bool operator==(const Issue&) const = default;
};

/// `FILE:LINE: text`, or `FILE:LINE: warning: text`.
std::string to_string(const Issue& issue);

/// Puts them in the order of the files and their lines, and leaves those of one line as they are.
void sort_by_spot(std::vector<Issue>& issues);

/// The spots of the global section or of one service.
class Origin {
  public:
    Origin() = default;
    explicit Origin(Spot section) : spot(section) {}

    /// Notes where a key of the table has a value.
    void add(std::string_view key, Spot value);

    /// Where a key's value stands; where the section does if the files do not have it.
    Spot of(std::string_view key, std::size_t index = 0) const;
    bool has(std::string_view key) const { return !spots_of(key).empty(); }

    Spot spot;                   ///< of the section itself
    std::vector<Spot> patterns;  ///< one for each pattern of the model, whatever its key

  private:
    std::span<const Spot> spots_of(std::string_view key) const;

    std::vector<std::vector<Spot>> spots_;  ///< by key, in the order of the table
};

struct Origins {
    std::vector<std::string> files;  ///< their names, by `Spot::file`
    Origin global;
    std::vector<Origin> services;  ///< in the order of the model's
};

class FileIssues;

/// Collects the issues of all files of a configuration.
class Issues {
  public:
    /// How many errors are kept, and how many warnings. A file of another kind would otherwise cost
    /// memory without bound.
    static constexpr std::size_t kMost = 1000;

    /// Begins the next file.
    /// @param text  what the file holds; no issue ever speaks of a line that it does not have
    /// @returns for whoever reads that file; good as long as this is
    FileIssues add_file(std::string name, std::string_view text);

    /// One that was found before, to the letter, is not kept again: a file that is included in many
    /// places is wrong once.
    void error(Spot spot, std::string text, std::string excerpt = {}) {
        add({.spot = spot, .text = std::move(text), .excerpt = std::move(excerpt)});
    }
    /// @param name, service  of one that can be silenced
    void warning(Spot spot, std::string text, std::string_view name = {},
                 std::string service = {}) {
        add({.severity = Severity::Warning,
             .spot = spot,
             .text = std::move(text),
             .name = name,
             .service = std::move(service)});
    }

    /// The names of the files, by `Spot::file`.
    const std::vector<std::string>& files() const { return files_; }
    bool has_errors() const { return has_errors_; }

    /// All of them in the order of the files and lines, those of one line in the order they were
    /// found.
    std::vector<Issue> sorted() const;

  private:
    void add(Issue issue);

    std::vector<std::string> files_;
    std::vector<int> last_lines_;  ///< by file
    bool has_errors_ = false;
    std::size_t errors_ = 0;  ///< of those kept
    std::size_t warnings_ = 0;
    std::vector<Issue> found_;
};

/// The issues of one file, for whoever reads that file and knows of no other.
class FileIssues {
  public:
    FileIssues(Issues& all, int file) : all_(&all), file_(file) {}

    void error(int line, std::string text) { all_->error(at(line), std::move(text)); }
    void warning(int line, std::string text) { all_->warning(at(line), std::move(text)); }
    Spot at(int line) const { return {file_, line}; }

  private:
    Issues* all_;
    int file_;
};

}  // namespace portsplit::config
