#include "core/layout_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/layout_comparison.h"
#include "support/layouts.h"
#include "support/naive.h"
#include "support/naive_layout.h"
#include "support/random_layout.h"

namespace portsplit::core {
namespace {

using naive::LayoutReader;
using Outcome = LayoutReader::Outcome;

/// Returns what a run that wants everything knows, as the oracle says it.
LayoutReader::Read known(const Layout& layout, const LayoutRun& run) {
    LayoutReader::Read read;
    read.outcome = run.state() == LayoutRun::State::Reading ? Outcome::More
                   : run.state() == LayoutRun::State::Fits  ? Outcome::Fits
                                                            : Outcome::Failed;
    for (std::size_t i = 0; i < layout.fields().size(); ++i) {
        const auto& state = run.field(i);
        if (state.values.empty() && !state.is_complete) continue;
        auto& field = read.fields[std::string(layout.fields()[i].name)];
        field.is_complete = state.is_complete;
        for (const FieldValue& value : state.values) field.values.emplace_back(value.text);
    }
    return read;
}

/// A run that wants one field, if there is one, and keeps the others.
LayoutRun run_of_one(const Layout& layout) {
    LayoutRun run(layout);
    for (std::size_t i = 0; i < layout.fields().size(); ++i) run.keep(i);
    if (!layout.fields().empty()) run.want(0);
    return run;
}

std::string shown(const LayoutReader::Read& read) {
    std::string text = read.outcome == Outcome::More   ? "more"
                       : read.outcome == Outcome::Fits ? "fits"
                                                       : "failed";
    for (const auto& [name, field] : read.fields) {
        text += " " + name + (field.is_complete ? "=" : "~");
        for (const std::string& value : field.values) text += testing::PrintToString(value);
    }
    return text;
}

/// Returns true if the values that a run has, and did not have one byte before, are certain at this byte.
/// @param known  how many values each field had; changed
bool is_certain_here(const Layout& layout, const LayoutRun& run, std::size_t size,
                     std::vector<std::size_t>& known) {
    for (std::size_t i = 0; i < layout.fields().size(); ++i) {
        std::size_t count = 0;
        for (const FieldValue& value : run.field(i).values) {
            if (count++ >= known[i] && value.certain != size) return false;
        }
        known[i] = count;
    }
    return true;
}

/// Returns true if a stream cut in a way is read as one that comes at once.
/// @param cuts  bit i: there is a cut behind byte i
bool is_cut_alike(const Layout& layout, const std::string& stream, unsigned long long cuts,
                  const LayoutRun& whole) {
    LayoutRun run = run_of_all(layout);
    for (std::size_t size = 1; size < stream.size(); ++size) {
        if ((cuts >> (size - 1) & 1U) != 0) run.advance(as_bytes(stream.substr(0, size)));
    }
    run.advance(as_bytes(stream));
    return same(layout, run, whole);
}

/// Compares a run with the oracle after each byte of a stream, and a run that gets all bytes at once.
/// @returns false after a failure
bool expect_oracle(const LayoutSource& source, const Layout& layout, const std::string& stream) {
    LayoutReader oracle(source);
    LayoutRun bytewise = run_of_all(layout);
    std::vector<std::size_t> values(layout.fields().size());
    std::size_t first = SIZE_MAX;  // the bytes after which the state is no longer `Reading`
    for (std::size_t size = 0; size <= stream.size(); ++size) {
        const std::string seen = stream.substr(0, size);
        bytewise.advance(as_bytes(seen));
        const auto expected = oracle.read(seen);
        const auto found = known(layout, bytewise);
        if (!(found == expected)) {
            ADD_FAILURE() << show(source) << "after " << testing::PrintToString(seen) << ": "
                          << shown(found) << " instead of " << shown(expected);
            return false;
        }
        if (!is_certain_here(layout, bytewise, size, values)) {
            ADD_FAILURE() << show(source) << "a value is not certain at the last byte of "
                          << testing::PrintToString(seen);
            return false;
        }
        LayoutRun read_out = run_of_one(layout);
        read_out.advance(as_bytes(seen.substr(0, size / 2)));
        read_out.advance(as_bytes(seen));
        read_out.read_out(as_bytes(seen));
        if (!(known(layout, read_out) == expected)) {
            ADD_FAILURE() << show(source) << "read out after " << testing::PrintToString(seen)
                          << ": " << shown(known(layout, read_out)) << " instead of "
                          << shown(expected);
            return false;
        }
        LayoutRun whole = run_of_all(layout);
        whole.advance(as_bytes(seen));
        if (!same(layout, whole, bytewise)) {
            ADD_FAILURE() << show(source) << "at once: " << testing::PrintToString(seen);
            return false;
        }
        if (whole.state() == LayoutRun::State::Reading) continue;
        first = std::min(first, size);
        if (whole.certain() != first) {
            ADD_FAILURE() << show(source) << "certain at " << whole.certain() << " and not at "
                          << first << ": " << testing::PrintToString(seen);
            return false;
        }
    }
    return true;
}

const std::vector<std::vector<std::string>>& small_layouts() {
    static const std::vector<std::vector<std::string>> all{
        {"start = 'ab'"},
        {"start = 'a'i <x 2> 'b'"},
        {"start = {u8 <x>}"},
        {"start = {u8 'a' <x> 'b'} 'a'"},
        {"start = {u8(1-3) {u8 <x*>} .. 'b'}"},
        {"start = {u8 item*} 'a'", "item = {u8(1-4) <x*>}"},
        {"start = {u8 item+} <y 1>", "item = 'a' <x*> 'b' | 'b'", "unused = 'a'"},
        {"start = <x [a] 1-2> 'b' .. 'a'"},
        {"start = <x [a]> <y [b] 0-1> 'a'"},
        {"start = <x> 'ab' <y 1-2> 'a'"},
        {"start = 'a'* <x> 'ba' 'b'?"},
        {"start = header* 'bb'", "header = 'a' <h> 'a' | .. 'b'"},
        {"start = ('a' <x u8> | 'b' <y u16> | <z 2>) 'a'"},
        {"start = ('ab' <x 1> | 'a' <y 1> | .. 'b')"},
        {"start = {u8 ('ab'? <x> 'b')? ..}"},
        {"start = 'a' {varint <x>} 'a'"},
        {"start = {ber <x> 'a' {u8}}"},
        {"start = {u8-1(1-4) <x 0-2>}"},
        {"start = le16 <x u8>"},
        {"start = label* 'b'", "label = 'a' <x+'.' name 1>"},
        {"start = {u8 label*}", "label = {u8(1-2) <x+'.' name>}"},
        {"start = <x* [a] 1> <y+'-' 1>"},
        {"frame = 'b' {u8(1-2) <>}", "start = 'a' <x> 'b'"},
        {"frame = ?? {u8 <>}", "start = {u8 <x*>} ..1 'a'"},
    };
    return all;
}

TEST(LayoutRunExhaustively, AgreesWithTheOracleForSmallLayouts) {
    const std::string letters("ab\x01\x02\x03", 5);
    const std::vector<std::string> streams = naive::strings(5, 5, letters);
    for (const auto& rules : small_layouts()) {
        const LayoutSource source = layout_of(rules);
        const auto layout = Layout::compile(source);
        ASSERT_TRUE(layout) << show(source) << problems_of(layout.error());
        for (const std::string& stream : streams) {
            if (!expect_oracle(source, *layout, stream)) return;
            LayoutRun whole = run_of_all(*layout);
            whole.advance(as_bytes(stream));
            for (unsigned cuts = 0; cuts < 1U << (stream.size() - 1); ++cuts) {
                ASSERT_TRUE(is_cut_alike(*layout, stream, cuts, whole))
                    << show(source) << testing::PrintToString(stream) << " cut as " << cuts;
            }
        }
    }
}

TEST(LayoutRun, TakesTheLastOfManyAlternatives) {
    std::string piece;
    for (char c = 'a'; c <= 'z'; ++c) piece += std::string("'") + c + "1' <x 1> | '" + c + "2' | ";
    const LayoutSource source = layout_of({"start = {u8 piece*} '!'", "piece = " + piece + "'!'"});
    const auto layout = Layout::compile(source);
    ASSERT_TRUE(layout) << problems_of(layout.error());
    expect_oracle(source, *layout, "\x06z1.a2!!");
}

TEST(LayoutRunOfRandomLayouts, AgreesWithTheOracle) {
    std::mt19937 random(1);
    std::map<Outcome, std::size_t> outcomes;
    std::size_t layouts = 0;
    std::size_t with_fields = 0;
    for (int i = 0; i < 12'000; ++i) {
        const LayoutSource source = RandomLayout(random).make();
        const auto layout = Layout::compile(source);
        if (!layout) continue;
        ++layouts;
        Specimen specimen(source, random);
        for (int k = 0; k < 12; ++k) {
            std::string stream = specimen.make();
            for (int changes = k % 4; changes > 0; --changes)
                stream = mutated(std::move(stream), random);
            stream.resize(std::min<std::size_t>(stream.size(), 40));
            if (!expect_oracle(source, *layout, stream)) return;
            LayoutRun whole = run_of_all(*layout);
            whole.advance(as_bytes(stream));
            const unsigned long long cuts = random() & random();  // few more than every fourth byte
            ASSERT_TRUE(is_cut_alike(*layout, stream, cuts, whole))
                << show(source) << testing::PrintToString(stream) << " cut as " << cuts;
            const auto read = LayoutReader(source).read(stream);
            ++outcomes[read.outcome];
            with_fields += read.fields.empty() ? 0U : 1U;
        }
    }
    EXPECT_GT(layouts, 1'500U);
    EXPECT_GT(with_fields, 4'000U);
    EXPECT_GT(outcomes[Outcome::Fits], 4'000U);
    EXPECT_GT(outcomes[Outcome::Failed], 2'000U);
    EXPECT_GT(outcomes[Outcome::More], 800U);
}

}  // namespace
}  // namespace portsplit::core
