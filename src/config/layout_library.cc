#include "config/layout_library.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <vector>

#include "config/key_table.h"
#include "config/layouts.h"
#include "config/wording.h"
#include "core/layout_text.h"

namespace portsplit::config {
namespace {

constexpr std::string_view kSuffix = ".conf";

class Library {
  public:
    Library(Document& document, const Files& files, const ReadFile& read, Issues& issues)
        : document_(document),
          files_(files),
          read_(read),
          issues_(issues),
          folder_(fmt::format("{}/layouts", files.library)) {
        for (const Section& layout : document.layouts) known_.insert(layout.name);
    }

    /// Adds what a section asks or passes on.
    void add_for(const Section& section) {
        for (const Entry& entry : section.entries) {
            if (const auto field = core::split_field(entry.key)) {
                add(std::string(field->layout), entry.spot,
                    entry.values.empty() ? section.spelling : spelling_of(entry.values.front()));
                continue;
            }
            for (const Value& value : entry.values) {
                const Spelling spelling = spelling_of(value);
                if (entry.key == kLayout) add_whole(value, spelling);
                if (const auto passed = passed_field(entry.key, value.text)) {
                    add(std::string(passed->layout), value.spot, spelling);
                }
            }
        }
    }

  private:
    void add_whole(const Value& value, Spelling spelling) {
        if (value.kind == Kind::Group || value.kind == Kind::List) return;  // reported elsewhere
        const auto field = core::split_field(value.text);
        if (!field) return add(value.text, value.spot, spelling);
        issues_.error(
            value.spot,
            fmt::format("{}: a field, not a layout; write {} for clients that "
                        "have one, or {}",
                        as_written(kLayout, value),
                        condition(shown(field->layout), shown(field->field), "*", spelling),
                        whole_layout(shown(field->layout), spelling)));
    }

    void add(const std::string& name, Spot spot, Spelling spelling) {
        if (!known_.insert(name).second) return;
        const std::string path = fmt::format("{}/{}{}", folder_, name, kSuffix);
        const bool may_read = files_.read && core::why_no_layout_name(name).empty();
        const auto text = may_read ? files_.read(path) : Unreadable{};
        if (!text) {
            return issues_.error(
                spot, fmt::format("no layout {}; {}", shown(name), advice_on(name, spelling)));
        }
        const auto read = read_(*text, path);
        if (!read) return;
        const auto layout = std::ranges::find(read->layouts, name, &Section::name);
        if (layout == read->layouts.end()) {
            return issues_.error(
                spot, fmt::format("no layout {0} in {1}; write [layout {0}] there", name, path));
        }
        document_.layouts.push_back(*layout);
    }

    std::string advice_on(const std::string& name, Spelling spelling) const {
        const std::string header = layout_header(shown(name), spelling);
        const std::vector<std::string> files =
            files_.names ? files_.names(folder_) : std::vector<std::string>{};
        std::vector<std::string_view> names;
        for (const std::string_view file : files) {
            if (!file.ends_with(kSuffix)) continue;
            names.push_back(file.substr(0, file.size() - kSuffix.size()));
        }
        if (names.empty()) return fmt::format("write {} with its rules", header);
        if (const auto meant = nearest(name, names)) return fmt::format("did you mean {}?", *meant);
        std::ranges::sort(names);
        return fmt::format("the library has {}; or write {} with its rules", alternatives(names),
                           header);
    }

    Document& document_;
    const Files& files_;
    const ReadFile& read_;
    Issues& issues_;
    std::string folder_;
    std::set<std::string> known_;
};

}  // namespace

void add_missing_layouts(Document& document, const Files& files, const ReadFile& read,
                         Issues& issues) {
    Library library(document, files, read, issues);
    library.add_for(document.global);
    for (const Section& service : document.services) library.add_for(service);
}

}  // namespace portsplit::config
