// Reads a layout and then a stream with it. An input is rules, a line each, an empty line, and the stream.
// Any text may be refused, but none may crash the reader. The stream is read byte by byte, in pieces and at
// once, and by the oracle: all must agree, and each byte costs a few steps at most.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/layout_run.h"
#include "support/checks.h"
#include "support/layouts.h"
#include "support/naive_layout.h"

namespace {

using namespace portsplit::core;
using naive::LayoutReader;

constexpr std::size_t kLongestInput = 2048;
constexpr std::size_t kLongestStream = 256;

LayoutSource source_of(std::string_view text) {
    LayoutSource source{"test", {}};
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const std::size_t sign = std::min(line.find('='), line.size());
        std::string_view name = line.substr(0, sign);
        while (name.ends_with(' ')) name.remove_suffix(1);
        source.rules.push_back({Text(name), Text(line.substr(std::min(sign + 1, line.size())))});
    }
    return source;
}

LayoutRun run_of_all(const Layout& layout) {
    LayoutRun run(layout);
    for (std::size_t i = 0; i < layout.fields().size(); ++i) run.want(i);
    run.want_end();
    return run;
}

bool same(const Layout& layout, const LayoutRun& a, const LayoutRun& b) {
    if (a.state() != b.state() || a.lack() != b.lack()) return false;
    if (a.state() != LayoutRun::State::Reading && a.certain() != b.certain()) return false;
    for (std::size_t i = 0; i < layout.fields().size(); ++i) {
        if (a.field(i).values != b.field(i).values) return false;
        if (a.field(i).is_complete != b.field(i).is_complete) return false;
    }
    return true;
}

bool agrees(const Layout& layout, const LayoutRun& run, const LayoutReader::Read& read) {
    using Outcome = LayoutReader::Outcome;
    const bool is_same =
        (run.state() == LayoutRun::State::Reading) == (read.outcome == Outcome::More) &&
        (run.state() == LayoutRun::State::Fits) == (read.outcome == Outcome::Fits);
    if (!is_same) return false;
    for (std::size_t i = 0; i < layout.fields().size(); ++i) {
        const auto found = read.fields.find(std::string(layout.fields()[i].name));
        const LayoutReader::Field field =
            found == read.fields.end() ? LayoutReader::Field() : found->second;
        if (run.field(i).is_complete != field.is_complete) return false;
        if (run.field(i).values.size() != field.values.size()) return false;
        for (std::size_t k = 0; k < field.values.size(); ++k) {
            if (run.field(i).values[k].text != field.values[k]) return false;
        }
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data),
                                 std::min(size, kLongestInput));
    const std::size_t end = std::min(input.find("\n\n"), input.size());
    const LayoutSource source = source_of(input.substr(0, end));
    const auto layout = Layout::compile(source);
    if (!layout) return 0;
    const std::string stream(
        input.substr(std::min(end + 2, input.size())).substr(0, kLongestStream));

    LayoutRun bytewise = run_of_all(*layout);
    for (std::size_t length = 0; length <= stream.size(); ++length) {
        bytewise.advance(as_bytes(std::string_view(stream).substr(0, length)));
    }
    LayoutRun whole = run_of_all(*layout);
    whole.advance(as_bytes(stream));
    require(same(*layout, bytewise, whole), "the same byte by byte and at once");
    require(agrees(*layout, whole, LayoutReader(source).read(stream)), "the same as the oracle");
    return 0;
}
