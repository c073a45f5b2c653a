#pragma once
// Problems of a configuration, as the administrator reads them, with file and line.
// Readers and checks add each problem to a collection and go on, so that all are printed at once.

#include <compare>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portsplit::config {

/// A line of one of the files that a configuration is read from.
struct Spot {
    int file = 0;  ///< in the order in which they are read; 0 is FILE itself
    int line = 1;  ///< from 1; 1 also for the file as a whole

    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 reports the 0 of a defaulted <=>.
    auto operator<=>(const Spot&) const = default;
};

/// Returns `on line 7`, or `at FILE:7` if the spot is in another file than the message.
/// @param files  the names of all files, by `Spot::file`
std::string where(Spot spot, Spot message, const std::vector<std::string>& files);

enum class Severity {
    Error,    ///< the configuration is not used
    Warning,  ///< the configuration is used, perhaps not as its author thinks
    Note,     ///< what an author should know of something that is right
};

struct Issue {
    Severity severity = Severity::Error;
    Spot spot = {};
    std::string file = {};  ///< the name of the file that the spot is in
    std::string text = {};
    std::string excerpt = {};    ///< whole lines that show the place; printed below the text
    std::string_view name = {};  ///< the name of a warning for --silence; else empty
    std::string service = {};    ///< the service that the issue is about; else empty

    bool operator==(const Issue&) const = default;
};

/// Returns `warning:` or `note:`; nothing for an error.
std::string_view mark_of(Severity severity);

/// `FILE:LINE: text`, or `FILE:LINE: warning: text`.
std::string to_string(const Issue& issue);

/// Sorts by file and line; issues of one line keep their order.
void sort_by_spot(std::vector<Issue>& issues);

/// The lines of the values of one section: of the global one, or of a service.
class Origin {
  public:
    Origin() = default;
    explicit Origin(Spot section) : spot(section) {}

    /// Adds the spot of one value of a key. All values of a key are added one after the other.
    /// @param key  its name in the key table, which is not copied
    void add(std::string_view key, Spot value);

    /// Returns the spot of a key's value; that of the section if there is no such value.
    Spot of(std::string_view key, std::size_t index = 0) const;
    /// Returns true if the key was given a value, readable or not.
    bool has(std::string_view key) const { return !spots_of(key).empty(); }
    /// Returns how many values the key was given.
    std::size_t count(std::string_view key) const { return spots_of(key).size(); }

    Spot spot;                   ///< of the section itself
    std::vector<Spot> patterns;  ///< one for each pattern of the model, of all kinds
    /// Of what is asked of layouts, by layout and field; no field: the whole layout.
    std::map<std::pair<std::string, std::string>, std::vector<Spot>> asked;

  private:
    std::span<const Spot> spots_of(std::string_view key) const;

    /// The values of one key: `count` of `spots_`, from `begin` on.
    struct Given {
        std::string_view key;
        std::size_t begin;
        std::size_t count;
    };

    std::vector<Spot> spots_;
    std::vector<Given> given_;
};

struct Origins {
    std::vector<std::string> files;  ///< their names, by `Spot::file`
    Origin global;
    std::vector<Origin> listeners;  ///< in the order of the model's sections
    std::vector<Origin> services;   ///< in the order of the model's

    /// Makes an issue that names the spot's file.
    Issue issue(Severity severity, Spot spot, std::string text) const;
    /// Makes a warning.
    /// @param name  for --silence
    /// @param service  which the text begins with; empty: it is about the whole file
    Issue warning(Spot spot, std::string_view name, std::string_view service,
                  const std::string& text) const;
};

class FileIssues;

/// Collects the issues of all files of a configuration.
class Issues {
  public:
    /// The most errors that are kept, and the most warnings, because a file that is no configuration
    /// has one on every line.
    static constexpr std::size_t kMost = 1000;

    /// Begins the next file.
    /// @param text  of the file; a line number outside the text is moved to its first or last line
    /// @returns a collection for the reader of that file, valid as long as this one
    FileIssues add_file(std::string name, std::string_view text);

    /// Adds an error. An issue equal to one that is kept is dropped: a file that is included in many
    /// places is checked for each, and its problems are reported once.
    void error(Spot spot, std::string text, std::string excerpt = {}) {
        add({.spot = spot, .text = std::move(text), .excerpt = std::move(excerpt)});
    }
    /// @param name  for --silence
    /// @param service  that the warning is about
    void warning(Spot spot, std::string text, std::string_view name, std::string service = {},
                 std::string excerpt = {}) {
        add({.severity = Severity::Warning,
             .spot = spot,
             .text = std::move(text),
             .excerpt = std::move(excerpt),
             .name = name,
             .service = std::move(service)});
    }

    /// The names of the files, by `Spot::file`.
    const std::vector<std::string>& files() const { return files_; }
    bool has_errors() const { return has_errors_; }

    /// Returns all issues, sorted by file and line; those of one line in the order they were added.
    std::vector<Issue> sorted() const;

  private:
    void add(Issue issue);

    std::vector<std::string> files_;
    std::vector<int> last_lines_;  ///< by file
    bool has_errors_ = false;
    std::size_t errors_ = 0;  ///< that are kept
    std::size_t warnings_ = 0;
    std::vector<Issue> found_;
};

/// The issues of one file, for code that has line numbers of that file and nothing else.
class FileIssues {
  public:
    FileIssues(Issues& all, int file) : all_(&all), file_(file) {}

    void error(int line, std::string text) { all_->error(at(line), std::move(text)); }
    /// @param name  for --silence
    void warning(int line, std::string text, std::string_view name, std::string service = {}) {
        all_->warning(at(line), std::move(text), name, std::move(service));
    }
    Spot at(int line) const { return {file_, line}; }

  private:
    Issues* all_;
    int file_;
};

}  // namespace portsplit::config
