#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "cli/account_text.h"
#include "cli/capture.h"
#include "cli/commands.h"
#include "config/load.h"
#include "config/values.h"
#include "core/hex.h"
#include "core/plan.h"
#include "core/result.h"
#include "core/verdict.h"
#include "handoff.h"
#include "included_files.h"
#include "sys/file.h"

namespace portsplit::cli {
namespace {

using config::Problem;
using Input = core::Result<std::string, Problem>;

Input bytes_of_hex(const std::string& text) {
    const auto sets = core::parse_hex(text);
    if (!sets) {
        return Problem{"--hex: " + sets.error().text + " (at byte " +
                       std::to_string(sets.error().place + 1) + ")"};
    }
    std::string bytes;
    for (const core::ByteSet& set : *sets) {
        if (!set.is_single()) return Problem{"--hex: ? and ranges are for patterns only"};
        bytes += static_cast<char>(set.low);
    }
    return bytes;
}

Input bytes_of_standard_input() {
    auto bytes = sys::read_all(STDIN_FILENO);
    if (!bytes) return Problem{sys::to_string(bytes.error())};
    return *std::move(bytes);
}

Input bytes_of(const Explained& what) {
    if (what.text) return config::unescape(*what.text).bytes;
    if (what.hex) return bytes_of_hex(*what.hex);
    return bytes_of_standard_input();
}

Colour colour_of_output() {
    // https://no-color.org
    const char* no_colour = std::getenv("NO_COLOR");
    const bool refused = no_colour != nullptr && *no_colour != '\0';
    return ::isatty(STDOUT_FILENO) == 1 && !refused ? Colour::Terminal : Colour::Plain;
}

void print_line(const std::string& line) { std::printf("%s\n", line.c_str()); }

int explain_bytes(const core::Plan& plan, const Explained& what) {
    const Input input = bytes_of(what);
    if (!input) {
        std::fprintf(stderr, "portsplit: %s\n", input.error().text.c_str());
        return handoff::kExitUsage;
    }
    const core::Bytes seen = core::as_bytes(*input);
    const auto ending = what.final ? core::Ending::Deadline : core::Ending::Open;
    const Decision decision{plan, seen, core::decide(plan, seen, ending)};
    if (what.json) {
        print_line(account_json(decision));
    } else {
        print_line(summary(decision));
        std::fputs(account_text(decision, colour_of_output()).c_str(), stdout);
    }
    return 0;
}

int explain_capture(const core::Plan& plan, const Explained& what) {
    const auto capture = read_capture(*what.capture, plan.window());
    if (!capture) {
        std::fprintf(stderr, "portsplit: %s\n", capture.error().c_str());
        return handoff::kExitUsage;
    }
    for (const Stream& stream : capture->streams) {
        const auto ending = stream.ended ? core::Ending::EndOfStream
                            : what.final ? core::Ending::Deadline
                                         : core::Ending::Open;
        const Decision decision{plan, stream.bytes, core::decide(plan, stream.bytes, ending),
                                &stream};
        print_line(what.json ? account_json(decision) : summary(decision));
    }
    if (capture->skipped > 0) {
        std::fprintf(stderr,
                     "portsplit: %s: left out %zu segments of connections whose beginning was not "
                     "captured\n",
                     what.capture->c_str(), capture->skipped);
    }
    return 0;
}

}  // namespace

int explain(const std::string& file, const Explained& what) {
    const auto text = sys::read_file(file);
    if (!text) {
        std::fprintf(stderr, "portsplit: %s\n", sys::to_string(text.error()).c_str());
        return handoff::kExitConfiguration;
    }
    const config::Loaded loaded = config::read(*text, file, config::Need::Services,
                                               included_files(PORTSPLIT_BIN_TO_PATTERNS));
    for (const config::Issue& issue : loaded.issues) {
        if (issue.severity == config::Severity::Warning) continue;
        std::fprintf(stderr, "%s\n%s", config::to_string(issue).c_str(), issue.excerpt.c_str());
    }
    if (!loaded.config) return handoff::kExitConfiguration;
    const core::Plan plan(*loaded.config);
    return what.capture ? explain_capture(plan, what) : explain_bytes(plan, what);
}

}  // namespace portsplit::cli
