#pragma once
// What a layout of the library reads of a stream, for comparison with what a server reads.

#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "core/layout_run.h"
#include "judges/judge.h"
#include "support/layout_library.h"

namespace portsplit::judges {

/// The state at the end of a stream, and the values of the fields that came.
struct Reading {
    core::LayoutRun::State state = core::LayoutRun::State::Reading;
    std::map<std::string, std::vector<std::string>> values;

    bool fits() const { return state == core::LayoutRun::State::Fits; }
    /// Returns the values of a list.
    std::vector<std::string> all(const std::string& field) const {
        const auto found = values.find(field);
        return found == values.end() ? std::vector<std::string>{} : found->second;
    }
    /// Returns the value of a field; empty if it did not come.
    std::string value(const std::string& field) const {
        const auto found = values.find(field);
        return found == values.end() ? "" : found->second.front();
    }
    bool has(const std::string& field) const { return values.contains(field); }

    bool operator==(const Reading&) const = default;
};

inline std::ostream& operator<<(std::ostream& to, const Reading& reading) {
    using State = core::LayoutRun::State;
    to << (reading.fits() ? "fits" : reading.state == State::Failed ? "failed" : "more");
    return to << ' ' << testing::PrintToString(reading.values);
}

class LayoutReader {
  public:
    explicit LayoutReader(const std::string& name) : layout_(library_layout(name)) {}

    /// @param segments  of one text, one behind the other
    Reading read(const Segments& segments) const {
        core::LayoutRun run(layout_);
        for (std::size_t i = 0; i < layout_.fields().size(); ++i) run.want(i);
        run.want_end();
        std::size_t size = 0;
        for (const std::string_view segment : segments) {
            size += segment.size();
            run.advance(core::as_bytes(std::string_view(segments.front().data(), size)));
        }
        Reading reading{run.state(), {}};
        for (std::size_t i = 0; i < layout_.fields().size(); ++i) {
            for (const core::FieldValue& value : run.field(i).values)
                reading.values[std::string(layout_.fields()[i].name)].emplace_back(value.text);
        }
        return reading;
    }

  private:
    core::Layout layout_;
};

/// Returns a name as a layout shows it: in small letters, without a final dot.
inline std::string folded(std::string name) {
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (name.ends_with('.')) name.pop_back();
    return name;
}

}  // namespace portsplit::judges
