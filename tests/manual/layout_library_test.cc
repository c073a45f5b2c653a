// The layouts of the library (contrib/patterns/layouts) with the recordings of real clients: what each reads
// is in contrib/patterns/recordings/fields.txt, and does not depend on how the bytes are cut.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/layout_examples.h"
#include "core/layout_run.h"
#include "manual/library.h"

namespace portsplit::manual {
namespace {

std::vector<LayoutEntry> all_layouts() {
    std::vector<LayoutEntry> all;
    for (const fs::path& path : files_in(kLibrary / "layouts", ".conf"))
        all.push_back(read_layout(path.stem()));
    return all;
}

std::string line_of(const LayoutEntry& entry, const std::string& recording,
                    const Reading& reading) {
    const char* end = reading.end == Reading::End::Fits ? "fits" : "more";
    const std::string values = reading.values.empty() ? "" : " " + reading.values;
    return entry.name + " " + recording + " " + end + values;
}

TEST(LayoutLibrary, HasTheFilesNameAndNoProblem) {
    const std::vector<LayoutEntry> layouts = all_layouts();
    EXPECT_GE(layouts.size(), 30U);
    for (const LayoutEntry& entry : layouts) {
        EXPECT_TRUE(fs::exists(kLibrary / "layouts" / (entry.name + ".conf"))) << entry.name;
        EXPECT_TRUE(entry.title.ends_with('.')) << entry.name;
        EXPECT_TRUE(entry.notes.empty() || entry.notes.ends_with('.')) << entry.name;
        for (const LayoutEntry::Field& field : entry.fields)
            EXPECT_TRUE(field.meaning.ends_with('.')) << entry.name << "." << field.name;
    }
}

TEST(LayoutLibrary, ReadsInTheRecordingsWhatTheListSays) {
    std::set<std::string> listed;
    std::istringstream list(content(kRecordings / "fields.txt"));
    for (std::string line; std::getline(list, line);) {
        if (!line.starts_with('#')) listed.insert(line);
    }
    std::set<std::string> read;
    const std::vector<Known> library = read_library();
    for (const LayoutEntry& entry : all_layouts()) {
        for (const Known& known : library) {
            for (const Recording& recording : known.recordings) {
                const Reading reading = read_stream(entry.layout, recording.bytes);
                if (!reading.is_of_layout()) continue;
                read.insert(line_of(entry, known.name + "/" + recording.client, reading));
            }
        }
    }
    for (const std::string& line : read)
        EXPECT_TRUE(listed.contains(line)) << "not in fields.txt:\n" << line;
    for (const std::string& line : listed)
        EXPECT_TRUE(read.contains(line)) << "not read:\n" << line;
}

/// Returns the rules of a layout, each a line `NAME = TEXT`.
core::LayoutSource source_of(const LayoutEntry& entry) {
    core::LayoutSource source{core::Text(entry.name), {}};
    for (const std::string& line : entry.lines) {
        const std::size_t sign = line.find('=');
        if (line.starts_with('[') || sign == line.npos) continue;
        const std::size_t end = line.find(' ');
        source.rules.push_back({core::Text(line.substr(0, end)),
                                core::Text(line.substr(line.find_first_not_of(' ', sign + 1)))});
    }
    return source;
}

/// Returns a byte as the value of a field has it.
std::string escaped(char c) {
    constexpr const char* kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    return {'\\', kDigits[byte / 16], kDigits[byte % 16]};
}

/// Returns streams in which a field has a value.
std::vector<std::string> examples_of(const LayoutEntry& entry, const std::string& field,
                                     const std::string& value) {
    const core::LayoutPattern asked{
        core::Text(entry.name), false, {{core::Text(field), {core::Text(value)}}}};
    return core::find_layout_examples(source_of(entry), asked, 16'384, 4);
}

/// Returns the values that a stream has for a field.
std::vector<std::string> values_in(const LayoutEntry& entry, std::size_t field,
                                   const std::string& stream) {
    core::LayoutRun run(entry.layout);
    run.want(field);
    run.advance(core::as_bytes(stream));
    std::vector<std::string> values;
    for (const core::FieldValue& value : run.field(field).values) values.emplace_back(value.text);
    return values;
}

TEST(LayoutLibrary, ReadsBackEachValueForWhichAStreamIsMade) {
    for (const LayoutEntry& entry : all_layouts()) {
        for (std::size_t i = 0; i < entry.layout.fields().size(); ++i) {
            const std::string field(entry.layout.fields()[i].name);
            const std::vector<std::string> any = examples_of(entry, field, "*");
            ASSERT_FALSE(any.empty()) << entry.name << "." << field;
            const std::vector<std::string> found = values_in(entry, i, any.front());
            ASSERT_FALSE(found.empty()) << entry.name << "." << field;
            std::vector<std::string> wanted{found.front()};
            if (entry.layout.fields()[i].is_name) wanted.emplace_back("git.example.org");
            for (const std::string& value : wanted) {
                std::string asked;  // an empty value is an expression, and \XX is any byte
                for (const char c : value)
                    asked += entry.layout.fields()[i].number ? std::string(1, c) : escaped(c);
                const std::vector<std::string> streams =
                    examples_of(entry, field, value.empty() ? "~" : asked);
                EXPECT_FALSE(streams.empty()) << entry.name << "." << field << " = " << asked;
                for (const std::string& stream : streams)
                    EXPECT_THAT(values_in(entry, i, stream), testing::Contains(value))
                        << entry.name << "." << field;
            }
        }
    }
}

/// How often each byte is looked at, at most: once to read it, and as often as alternatives compare it with
/// their beginnings. Byte by byte, those that wait for the next byte compare the same ones again.
constexpr std::size_t kSteps = 4;
constexpr std::size_t kStepsByteByByte = 8;
/// At the beginning, where few bytes have come.
constexpr std::size_t kStepsMore = 64;

/// Makes a run that wants everything.
core::LayoutRun run_of_all(const core::Layout& layout) {
    core::LayoutRun run(layout);
    for (std::size_t i = 0; i < layout.fields().size(); ++i) run.want(i);
    run.want_end();
    return run;
}

TEST(LayoutLibrary, LooksAtNoByteOfAnyClientOften) {
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same mutants in each run
    for (const LayoutEntry& entry : all_layouts()) {
        for (const Known& known : read_library()) {
            for (const Recording& recording : known.recordings) {
                std::string stream = recording.bytes;
                for (int mutant = 0; mutant < 8; ++mutant) {
                    core::LayoutRun run = run_of_all(entry.layout);
                    run.advance(core::as_bytes(stream));
                    ASSERT_LE(run.steps(), kSteps * stream.size() + kStepsMore)
                        << entry.name << ", " << recording.client << ", mutant " << mutant;
                    if (stream.empty()) break;
                    stream[random() % stream.size()] = static_cast<char>(random());
                }
            }
        }
    }
}

TEST(LayoutLibrary, ReadsTheSameByteByByte) {
    for (const LayoutEntry& entry : all_layouts()) {
        for (const Known& known : read_library()) {
            for (const Recording& recording : known.recordings) {
                core::LayoutRun whole = run_of_all(entry.layout);
                core::LayoutRun cut = run_of_all(entry.layout);
                const core::Bytes bytes = core::as_bytes(recording.bytes);
                whole.advance(bytes);
                for (std::size_t size = 0; size <= bytes.size(); ++size)
                    cut.advance(bytes.first(size));
                EXPECT_LE(cut.steps(), kStepsByteByByte * bytes.size() + kStepsMore)
                    << entry.name << ", " << recording.client;
                ASSERT_EQ(cut.state(), whole.state()) << entry.name << ", " << recording.client;
                ASSERT_EQ(cut.certain(), whole.certain()) << entry.name << ", " << recording.client;
                for (std::size_t i = 0; i < entry.layout.fields().size(); ++i)
                    ASSERT_EQ(cut.field(i).values, whole.field(i).values) << entry.name;
            }
        }
    }
}

/// Returns a ClientHello in records of other sizes, which repeat.
std::string in_records(const std::string& hello, const std::vector<std::size_t>& sizes) {
    std::string message;
    for (std::size_t at = 0; at < hello.size();) {
        const std::size_t size = static_cast<unsigned char>(hello[at + 3]) * 256U +
                                 static_cast<unsigned char>(hello[at + 4]);
        message += hello.substr(at + 5, size);
        at += 5 + size;
    }
    std::string stream;
    for (std::size_t at = 0, i = 0; at < message.size(); ++i) {
        const std::string part = message.substr(at, sizes[i % sizes.size()]);
        stream.append("\x16\x03\x01", 3);
        stream += static_cast<char>(part.size() / 256);
        stream += static_cast<char>(part.size() % 256);
        stream += part;
        at += part.size();
    }
    return stream;
}

// fault: C9
TEST(LayoutLibrary, ReadsAClientHelloInAnyRecords) {
    const core::Layout layout = read_layout("tls").layout;
    for (const char* version : {"tls-1.2", "tls-1.3"}) {
        for (const fs::path& file : files_in(kRecordings / version, ".hex")) {
            const std::string hello = *config::read_recording(content(file));
            const Reading expected = read_stream(layout, hello);
            EXPECT_EQ(expected.end, Reading::End::Fits) << file;
            for (const std::vector<std::size_t>& sizes : std::vector<std::vector<std::size_t>>{
                     {1}, {2}, {3, 1, 7}, {43}, {100}, {512}, {1000, 1}, {16'384}}) {
                const Reading reading = read_stream(layout, in_records(hello, sizes));
                EXPECT_EQ(reading.end, expected.end) << file << " in records of " << sizes.front();
                EXPECT_EQ(reading.values, expected.values)
                    << file << " in records of " << sizes.front();
            }
        }
    }
}

}  // namespace
}  // namespace portsplit::manual
