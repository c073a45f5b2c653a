#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "cli/capture.h"
#include "cli/commands.h"
#include "cli/explanation_text.h"
#include "cli/output.h"
#include "config/load.h"
#include "config/value.h"
#include "config/wording.h"
#include "config_file.h"
#include "core/explanation.h"
#include "core/hex.h"
#include "core/plan.h"
#include "core/result.h"
#include "core/verdict.h"
#include "exit_codes.h"
#include "sys/file.h"

namespace portsplit::cli {
namespace {

using config::Problem;
using Input = core::Result<std::string, Problem>;

/// Whoever is used to printf(1) writes \r, and has to hear that this is two bytes here.
std::string bytes_of_text(const std::string& text) {
    config::Unescaped bytes = config::unescape(text);
    if (!bytes.stray.empty()) {
        complain("--text: " + config::shown(bytes.stray) +
                 " is not a byte in hex and stays as it is; write \\0D for a carriage return, "
                 "\\0A for a line feed, \\5C for a backslash");
    }
    return std::move(bytes.bytes);
}

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
    if (bytes) return *std::move(bytes);
    return Problem{"cannot read standard input: " + sys::error_text(bytes.error().code)};
}

Input bytes_of(const Explained& what) {
    if (what.text) return bytes_of_text(*what.text);
    if (what.hex) return bytes_of_hex(*what.hex);
    return bytes_of_standard_input();
}

Colour colour_of_output() {
    // https://no-color.org
    const char* no_colour = std::getenv("NO_COLOR");
    const bool refused = no_colour != nullptr && *no_colour != '\0';
    return ::isatty(STDOUT_FILENO) == 1 && !refused ? Colour::Terminal : Colour::Plain;
}

int explain_bytes(const core::Plan& plan, const Explained& what) {
    const Input input = bytes_of(what);
    if (!input) {
        complain(input.error().text);
        return kExitUsage;
    }
    const core::Bytes seen = core::as_bytes(*input);
    const auto ending = what.final ? core::Ending::Deadline : core::Ending::Open;
    const Decision decision{plan, seen, core::decide(plan, seen, ending)};
    const core::Explainer explainer(plan);
    if (what.json) return print(explanation_json(decision, explainer) + "\n");
    return print(summary(decision) + "\n" +
                 explanation_text(decision, explainer, colour_of_output()));
}

int explain_capture(const core::Plan& plan, const Explained& what) {
    const Capture capture = read_capture(*what.capture, plan.window());
    const core::Explainer explainer(plan);
    std::string lines;
    for (const Stream& stream : capture.streams) {
        const auto ending = stream.ended ? core::Ending::EndOfStream
                            : what.final ? core::Ending::Deadline
                                         : core::Ending::Open;
        const Decision decision{plan, stream.bytes, core::decide(plan, stream.bytes, ending),
                                &stream};
        lines += (what.json ? explanation_json(decision, explainer) : summary(decision)) + "\n";
    }
    const int printed = print(lines);
    if (capture.skipped > 0) {
        complain(*what.capture + ": left out " + std::to_string(capture.skipped) +
                 " segments of connections whose beginning was not captured");
    }
    if (capture.problem.empty()) return printed;
    complain(capture.problem);
    return kExitUsage;
}

}  // namespace

int explain(const std::string& file, const Explained& what) {
    const auto read = load_file(file, config::Need::Services, PORTSPLIT_BIN_TO_PATTERNS);
    if (!read) {
        complain(sys::to_string(read.error()));
        return kExitConfiguration;
    }
    const config::Loaded& loaded = *read;
    for (const config::Issue& issue : loaded.issues) {
        if (issue.severity == config::Severity::Warning) continue;
        std::fprintf(stderr, "%s\n%s", config::to_string(issue).c_str(), issue.excerpt.c_str());
    }
    if (!loaded.config) return kExitConfiguration;
    const core::Plan plan(*loaded.config);
    return what.capture ? explain_capture(plan, what) : explain_bytes(plan, what);
}

}  // namespace portsplit::cli
