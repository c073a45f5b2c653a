#include "cli/outcome.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <string_view>

#include "cli/introduction.h"
#include "core/bytes.h"
#include "core/explanation.h"

namespace portsplit::cli {
namespace {

/// Decides as a dispatcher does: after each byte, until the bytes suffice or the stream is over.
core::Verdict decide_byte_by_byte(const core::Plan& plan, core::Bytes bytes, core::Ending ending,
                                  const core::Entrance& entrance) {
    core::Plan::Reading reading(plan, entrance);
    for (std::size_t count = 0; count < bytes.size(); ++count) {
        const auto verdict = core::decide(plan, bytes.first(count), core::Ending::Open, reading);
        if (verdict) return *verdict;
    }
    return *core::decide(plan, bytes, ending, reading);
}

/// Returns `service=git reason=match certain=168`, as far as the case expects it.
std::string expectation_of(const Case& it) {
    std::string text = fmt::format("service={}", it.service);
    if (it.reason) text += fmt::format(" reason={}", core::to_string(*it.reason));
    if (it.certain) text += fmt::format(" certain={}", *it.certain);
    return text;
}

std::string text_of(const Outcome& outcome) {
    return fmt::format("service={} reason={} certain={}", outcome.service,
                       core::to_string(outcome.reason), outcome.certain);
}

/// Returns a text in double quotes: a string of JSON is one of YAML, too.
std::string in_quotes(std::string_view text) {
    // JSON is UTF-8 (RFC 8259 8.1), the name of a file may be anything.
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Returns the name of a case as the description of a test point. Behind `#` there would be a directive,
/// and a test that has the directive TODO may fail.
std::string description(std::string_view name) {
    std::string text;
    for (const char c : name) {
        if (c == '#' || c == '\\') text += '\\';
        text += c;
    }
    return text;
}

}  // namespace

Outcome outcome_of(const core::Plan& plan, const Case& it) {
    const Introduction introduction =
        introduced(plan, it.entrance, core::as_bytes(it.bytes), it.ending);
    if (!introduction.is_complete()) {
        return {.service = "-",
                .reason = introduction.verdict(it.ending)->reason,
                .certain = introduction.header->size()};
    }
    const core::Bytes bytes = introduction.stream;
    const core::Entrance& entrance = introduction.entrance;
    const core::Verdict verdict = decide_byte_by_byte(plan, bytes, it.ending, entrance);
    core::Plan::Reading at_once(plan, entrance);
    // How a stream is cut must not matter (core/verdict.h).
    if (verdict != core::decide(plan, bytes, it.ending, at_once)) std::abort();
    return {.service = verdict.service ? std::string(plan.service(*verdict.service).name) : "-",
            .reason = verdict.reason,
            .certain = core::bytes_needed(plan, bytes, entrance)};
}

bool is_expected(const Case& it, const Outcome& outcome) {
    return it.service == outcome.service && it.reason.value_or(outcome.reason) == outcome.reason &&
           it.certain.value_or(outcome.certain) == outcome.certain;
}

std::string failure_text(const std::string& cases, const Case& it, const Outcome& outcome,
                         Colour colour) {
    return fmt::format("{} {}: expected {}, got {}\n",
                       painted(fmt::format("{}:{}:", cases, it.line), kBoldRed, colour), it.name,
                       expectation_of(it), text_of(outcome));
}

std::string summary_text(std::size_t count, std::size_t failed, Colour colour) {
    const std::string results = fmt::format("{} as expected, {} not", count - failed, failed);
    return fmt::format("{} {}: {}\n", count, count == 1 ? "case" : "cases",
                       painted(results, failed == 0 ? kBoldGreen : kBoldRed, colour));
}

std::string tap_head(std::size_t count) { return fmt::format("TAP version 13\n1..{}\n", count); }

std::string tap_text(const std::string& cases, std::size_t number, const Case& it,
                     const Outcome& outcome) {
    const bool good = is_expected(it, outcome);
    std::string line =
        fmt::format("{} {} - {}\n", good ? "ok" : "not ok", number, description(it.name));
    if (good) return line;
    return fmt::format(
        "{}  ---\n"
        "  message: not the expected decision\n"
        "  severity: fail\n"
        "  found: {}\n"
        "  wanted: {}\n"
        "  at:\n"
        "    file: {}\n"
        "    line: {}\n"
        "  ...\n",
        line, in_quotes(text_of(outcome)), in_quotes(expectation_of(it)), in_quotes(cases),
        it.line);
}

}  // namespace portsplit::cli
