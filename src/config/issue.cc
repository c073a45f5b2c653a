#include "config/issue.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>

namespace portsplit::config {
namespace {

int count_lines(std::string_view text) {
    const auto newlines = std::count(text.begin(), text.end(), '\n');
    const bool unfinished = !text.empty() && text.back() != '\n';
    return std::max(1, static_cast<int>(newlines) + (unfinished ? 1 : 0));
}

const std::string& file_of(Spot spot, const std::vector<std::string>& files) {
    return files[static_cast<std::size_t>(spot.file)];
}

}  // namespace

std::string where(Spot spot, Spot message, const std::vector<std::string>& files) {
    if (spot.file == message.file) return fmt::format("on line {}", spot.line);
    return fmt::format("at {}:{}", file_of(spot, files), spot.line);
}

std::string_view mark_of(Severity severity) {
    switch (severity) {
        case Severity::Warning:
            return "warning:";
        case Severity::Note:
            return "note:";
        case Severity::Error:
            break;
    }
    return {};
}

std::string to_string(const Issue& issue) {
    const std::string_view mark = mark_of(issue.severity);
    return fmt::format("{}:{}: {}{}{}", issue.file, issue.spot.line, mark, mark.empty() ? "" : " ",
                       issue.text);
}

void sort_by_spot(std::vector<Issue>& issues) {
    std::stable_sort(issues.begin(), issues.end(),
                     [](const Issue& a, const Issue& b) { return a.spot < b.spot; });
}

void Origin::add(std::string_view key, Spot value) {
    if (given_.empty() || given_.back().key != key) given_.push_back({key, spots_.size(), 0});
    ++given_.back().count;
    spots_.push_back(value);
}

Spot Origin::of(std::string_view key, std::size_t index) const {
    const std::span<const Spot> spots = spots_of(key);
    return index < spots.size() ? spots[index] : spot;
}

std::span<const Spot> Origin::spots_of(std::string_view key) const {
    for (const Given& given : given_) {
        if (given.key == key) return std::span(spots_).subspan(given.begin, given.count);
    }
    return {};
}

Issue Origins::issue(Severity severity, Spot spot, std::string text) const {
    return {
        .severity = severity, .spot = spot, .file = file_of(spot, files), .text = std::move(text)};
}

Issue Origins::warning(Spot spot, std::string_view name, std::string_view service,
                       const std::string& text) const {
    Issue warning = issue(Severity::Warning, spot,
                          service.empty() ? text : fmt::format("service {}: {}", service, text));
    warning.name = name;
    warning.service = service;
    return warning;
}

FileIssues Issues::add_file(std::string name, std::string_view text) {
    files_.push_back(std::move(name));
    last_lines_.push_back(count_lines(text));
    return {*this, static_cast<int>(files_.size()) - 1};
}

std::vector<Issue> Issues::sorted() const {
    std::vector<Issue> in_order = found_;
    sort_by_spot(in_order);
    return in_order;
}

void Issues::add(Issue issue) {
    if (issue.severity == Severity::Error) has_errors_ = true;
    // Errors and warnings are counted apart, so that 1000 warnings do not hide the first error.
    std::size_t& kept = issue.severity == Severity::Error ? errors_ : warnings_;
    if (kept > kMost) return;
    if (kept == kMost) {
        issue.text = fmt::format("more than {} {}; the rest is left out", kMost,
                                 issue.severity == Severity::Error ? "errors" : "warnings");
        issue.excerpt.clear();
    }
    const int last_line = last_lines_[static_cast<std::size_t>(issue.spot.file)];
    issue.spot.line = std::clamp(issue.spot.line, 1, last_line);
    issue.file = file_of(issue.spot, files_);
    if (std::find(found_.begin(), found_.end(), issue) == found_.end()) {
        found_.push_back(std::move(issue));
        ++kept;
    }
}

}  // namespace portsplit::config
