#pragma once
// What the fuzz targets of layouts compare: a run byte by byte, a run at once, and the oracle.

#include <cstddef>
#include <string>
#include <string_view>

#include "core/layout_run.h"
#include "support/checks.h"
#include "support/naive_layout.h"

namespace portsplit::core {

inline LayoutRun run_of_all(const Layout& layout) {
    LayoutRun run(layout);
    for (std::size_t i = 0; i < layout.fields().size(); ++i) run.want(i);
    run.want_end();
    return run;
}

inline bool same(const Layout& layout, const LayoutRun& a, const LayoutRun& b) {
    if (a.state() != b.state() || a.lack() != b.lack()) return false;
    if (a.state() != LayoutRun::State::Reading && a.certain() != b.certain()) return false;
    for (std::size_t i = 0; i < layout.fields().size(); ++i) {
        if (a.field(i).values != b.field(i).values) return false;
        if (a.field(i).is_complete != b.field(i).is_complete) return false;
    }
    return true;
}

inline bool agrees(const Layout& layout, const LayoutRun& run,
                   const naive::LayoutReader::Read& read) {
    using Outcome = naive::LayoutReader::Outcome;
    const bool is_same =
        (run.state() == LayoutRun::State::Reading) == (read.outcome == Outcome::More) &&
        (run.state() == LayoutRun::State::Fits) == (read.outcome == Outcome::Fits);
    if (!is_same) return false;
    for (std::size_t i = 0; i < layout.fields().size(); ++i) {
        const auto found = read.fields.find(std::string(layout.fields()[i].name));
        const naive::LayoutReader::Field field =
            found == read.fields.end() ? naive::LayoutReader::Field() : found->second;
        if (run.field(i).is_complete != field.is_complete) return false;
        if (run.field(i).values.size() != field.values.size()) return false;
        std::size_t k = 0;
        for (const FieldValue& value : run.field(i).values) {
            if (value.text != field.values[k++]) return false;
        }
    }
    return true;
}

/// Ends the program unless all agree about a stream.
inline void compare(const LayoutSource& source, const Layout& layout, std::string_view stream) {
    LayoutRun bytewise = run_of_all(layout);
    for (std::size_t length = 0; length <= stream.size(); ++length) {
        bytewise.advance(as_bytes(stream.substr(0, length)));
    }
    LayoutRun whole = run_of_all(layout);
    whole.advance(as_bytes(stream));
    require(same(layout, bytewise, whole), "the same byte by byte and at once");
    require(agrees(layout, whole, naive::LayoutReader(source).read(std::string(stream))),
            "the same as the oracle");
}

}  // namespace portsplit::core
