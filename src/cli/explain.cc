#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "cli/capture.h"
#include "cli/capture_table.h"
#include "cli/commands.h"
#include "cli/explanation_text.h"
#include "cli/load.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "config/escape.h"
#include "config/listeners.h"
#include "config/meant.h"
#include "config/prefix.h"
#include "config/recording.h"
#include "config/value.h"
#include "config/wording.h"
#include "core/entrance.h"
#include "core/explanation.h"
#include "core/plan.h"
#include "core/result.h"
#include "core/verdict.h"
#include "exit_codes.h"
#include "sys/file.h"

namespace portsplit::cli {
namespace {

using config::Problem;
using Input = core::Result<std::string, Problem>;

/// Returns the bytes that --text stands for. Prints a message about `\r` and its like: printf(1)
/// takes that as one byte, --text takes it as two.
std::string bytes_of_text(const std::string& text) {
    config::Unescaped bytes = config::unescape(text);
    if (!bytes.stray.empty()) {
        complain(fmt::format("--text: {}", config::warning_of_stray(bytes.stray)));
    }
    return std::move(bytes.bytes);
}

Input bytes_of_hex(const std::string& text) {
    auto bytes = config::bytes_of_hex(text);
    if (bytes) return *std::move(bytes);
    return Problem{fmt::format("--hex: {}", bytes.error().text)};
}

Input bytes_of_standard_input() {
    if (::isatty(STDIN_FILENO) == 1) {
        complain("reading bytes from the terminal; end with Ctrl-D, or use --text, --hex, --pcap");
    }
    auto bytes = sys::read_all(STDIN_FILENO);
    if (bytes && is_capture(*bytes)) {
        complain(
            "standard input: this is a capture, and its bytes are taken for those of one client; "
            "name the file with --pcap");
    }
    if (bytes) return *std::move(bytes);
    return Problem{sys::to_string({bytes.error().code, "cannot read standard input"})};
}

Input bytes_of(const ExplainOptions& options) {
    if (options.text) return bytes_of_text(*options.text);
    if (options.hex) return bytes_of_hex(*options.hex);
    return bytes_of_standard_input();
}

int explain_bytes(const core::Plan& plan, const core::Entrance& entrance,
                  const ExplainOptions& options) {
    const Input input = bytes_of(options);
    if (!input) {
        complain(input.error().text);
        return kExitUsage;
    }
    const auto ending = options.final ? core::Ending::Deadline : core::Ending::Open;
    const Decision decision = decide(plan, core::as_bytes(*input), ending, entrance);
    const core::Explainer explainer(plan);
    if (options.json) {
        return print_result(fmt::format("{}\n", explanation_json(decision, explainer)));
    }
    return print_result(
        fmt::format("{}\n{}", summary(decision),
                    explanation_text(decision, explainer, look_of(STDOUT_FILENO).colour)));
}

/// @param way  of all clients; without --source each has the address of the capture
int explain_capture(const core::Plan& plan, const core::Entrance& way,
                    const ExplainOptions& options) {
    const Capture capture = read_capture(*options.capture, plan.window());
    const core::Explainer explainer(plan);
    CaptureTable table(plan.config());
    std::string lines;
    for (const Stream& stream : capture.streams) {
        core::Entrance entrance = way;
        if (!options.source) entrance.source.address = core::IpAddress::parse(stream.client.host);
        const auto ending = stream.ended    ? core::Ending::Eof
                            : options.final ? core::Ending::Deadline
                                            : core::Ending::Open;
        const Decision decision = decide(plan, stream.bytes, ending, entrance, &stream);
        if (options.json) {
            lines += explanation_json(decision, explainer);
        } else {
            lines +=
                summary(decision) + table.add(name_of(decision), layouts_of(decision, explainer));
        }
        lines += '\n';
    }
    if (!options.json) lines += table.text();
    const int code = print_result(lines);
    if (capture.streams.empty() && capture.problem.empty()) {
        complain(
            fmt::format("{}: no TCP connection whose first bytes were captured", *options.capture));
    }
    if (capture.skipped > 0) {
        complain(
            fmt::format("{}: left out {} segments of connections whose beginning was not captured",
                        *options.capture, capture.skipped));
    }
    if (capture.problem.empty()) return code;
    complain(capture.problem);
    return kExitUsage;
}

/// Returns true if who a client is may decide something.
bool has_lists_of_clients(const core::Config& config) {
    const auto has_access = [](const core::Listener* it) {
        return !it->allow.empty() || !it->deny.empty() || !it->proxy_from.empty();
    };
    return std::ranges::any_of(core::listeners_of(config), has_access) ||
           std::ranges::any_of(config.services, [](const core::Service& it) {
               return !it.from.empty() || !it.not_from.empty();
           });
}

/// Returns where the client comes from; nothing after a message.
std::optional<core::Source> source_of(const ExplainOptions& options, const core::Config& config) {
    if (options.source) {
        const auto source = config::read_source(*options.source);
        if (source) return *source;
        complain(
            fmt::format("--source {}: {}", config::shown(*options.source), source.error().text));
        return std::nullopt;
    }
    if (!options.capture && has_lists_of_clients(config)) {
        complain(
            "the configuration has lists of clients, and this client is in none of them; name "
            "another with --source");
    }
    return core::Source();
}

/// Returns true if FILE is the capture, and the argument of --pcap the configuration.
bool is_swapped(const std::string& file) {
    const auto bytes = sys::read_file(file);
    return bytes && is_capture(*bytes);
}

}  // namespace

int explain(const std::string& file, const ExplainOptions& options) {
    const auto loaded = load_or_complain(file, config::Need::Services);
    if (!loaded) return kExitConfiguration;
    if (!loaded->config && options.capture && is_swapped(file)) {
        complain(fmt::format(
            "{0}: a capture, not a configuration; write portsplit explain --pcap {0} {1}", file,
            *options.capture));
        return kExitConfiguration;
    }
    print_issues(loaded->issues, Print::Errors);
    if (!loaded->config) return kExitConfiguration;
    const core::Plan plan(*loaded->config);
    const auto listener = core::find_listener(plan.config(), options.listener);
    if (!listener) {
        complain(fmt::format("--listener {}: {}", config::shown(options.listener),
                             config::no_such_listener(plan.config())));
        return kExitUsage;
    }
    const auto source = source_of(options, plan.config());
    if (!source) return kExitUsage;
    const core::Entrance entrance{*listener, *source};
    return options.capture ? explain_capture(plan, entrance, options)
                           : explain_bytes(plan, entrance, options);
}

}  // namespace portsplit::cli
