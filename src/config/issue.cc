#include "config/issue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace portsplit::config {
namespace {

int count_lines(std::string_view text) {
    const auto newlines = std::count(text.begin(), text.end(), '\n');
    const bool unfinished = !text.empty() && text.back() != '\n';
    return std::max(1, static_cast<int>(newlines) + (unfinished ? 1 : 0));
}

}  // namespace

std::string to_string(const Issue& issue) {
    const char* mark = issue.severity == Severity::Warning ? "warning: " : "";
    return fmt::format("{}:{}: {}{}", issue.file, issue.line, mark, issue.text);
}

Issues::Issues(std::string file, std::string_view text)
    : file_(std::move(file)), last_line_(count_lines(text)) {}

std::vector<Issue> Issues::sorted() const {
    std::vector<Issue> in_order = found_;
    std::stable_sort(in_order.begin(), in_order.end(),
                     [](const Issue& a, const Issue& b) { return a.line < b.line; });
    return in_order;
}

void Issues::add(Severity severity, int line, std::string text, std::string excerpt) {
    if (severity == Severity::Error) has_errors_ = true;
    if (found_.size() > kMost) return;
    if (found_.size() == kMost) {
        text = fmt::format("more than {} problems; the rest is left out", kMost);
        excerpt.clear();
    }
    found_.push_back(
        {severity, file_, std::clamp(line, 1, last_line_), std::move(text), std::move(excerpt)});
}

}  // namespace portsplit::config
