// Measures a decision without a network: decide() over configurations of 1 to 10,000 services, a
// scan of the same patterns one by one, the time and memory to compile a plan, and an expression
// that gives up. decide_names.cc has the decisions about a server name, decide_lists.cc the lists of client addresses. Prints one JSON object per
// line for each figure, or a table with --table.

#include "decide.h"

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/verdict.h"

namespace {

using namespace bench;
using namespace portsplit::core;

constexpr std::size_t kSizes[] = {1, 10, 100, 1'000, 10'000};

/// Services with one pattern each, and a stream for each service.
struct Workload {
    std::string name;
    Config config;
    std::vector<std::string> streams;
};

enum class Start { Shared, Spread };

/// Returns "svc-00042 " if all prefixes begin alike, or four bytes of any value and the number.
std::string prefix(Start start, std::size_t number) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%05zu ", number);
    if (start == Start::Shared) return std::string("svc-") + digits;
    std::string text;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        text += static_cast<char>(scrambled(number) >> shift & 0xFF);
    }
    return text + digits;
}

Workload workload_of(std::string name, PatternKind kind, Start start, std::size_t services) {
    Workload workload;
    workload.name = std::move(name);
    for (std::size_t i = 0; i < services; ++i) {
        const std::string text = prefix(start, i);
        Service service;
        service.name = "service" + std::to_string(i);
        service.patterns.push_back(
            {kind, Text(kind == PatternKind::Regex ? text + "[0-9]*" : text)});
        workload.config.services.push_back(std::move(service));
        // A first request as a client may send it: the prefix and bytes after it.
        workload.streams.push_back(text + "0123456789 and the rest of a first request\r\n");
    }
    return workload;
}

/// Returns the first service whose pattern matches, from one pattern after the other.
std::optional<std::size_t> scan(const std::vector<std::unique_ptr<const Pattern>>& patterns,
                                Bytes seen) {
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        const Answer answer = patterns[i]->answer(seen);
        if (answer == Answer::Match) return i;
        if (answer == Answer::More) return std::nullopt;
    }
    return std::nullopt;
}

void measure(const Workload& workload, const Report& report) {
    const std::size_t services = workload.streams.size();
    const std::size_t model = heap_of_copy(workload.config);
    const std::size_t before = heap_in_use();
    const auto begin = Clock::now();
    const auto plan = std::make_unique<const Plan>(workload.config);
    const std::chrono::duration<double, std::micro> compiling = Clock::now() - begin;
    const std::size_t after = heap_in_use();

    const double look = median_cost([&](std::size_t number) {
        const std::size_t service = scattered(number, services);
        const auto verdict = decide(*plan, as_bytes(workload.streams[service]), Ending::Open);
        expect(verdict && verdict->service == service);
    });
    report.add("look", workload.name, services, look, "ns");

    std::vector<std::unique_ptr<const Pattern>> patterns;
    for (const Service& service : workload.config.services) {
        patterns.push_back(*compile(service.patterns.front()));
    }
    const double flat = median_cost([&](std::size_t number) {
        const std::size_t service = scattered(number, services);
        expect(scan(patterns, as_bytes(workload.streams[service])) == service);
    });
    report.add("flat scan", workload.name, services, flat, "ns");

    const double no_service = median_cost([&](std::size_t) {
        const auto verdict = decide(*plan, as_bytes("svc-none of them"), Ending::Open);
        expect(verdict && verdict->reason == Reason::Fallback);
    });
    report.add("look that fits no service", workload.name, services, no_service, "ns");
    report.add("compile", workload.name, services, compiling.count(), "us");
    // With few services malloc may reuse memory that was counted before.
    if (services >= 100) {
        report.add("memory beside the model", workload.name, services,
                   static_cast<double>(after - before - model), "bytes");
    }
}

/// Measures expressions that backtrack without bound on 4 KiB.
void measure_giving_up(const Report& report) {
    const std::string bait = std::string(4095, 'a') + '!';
    for (const char* expression :
         {"(a+)+$", "(a|a)*b", "(\\w+\\s?)*:", "(?:a?){40}a{40}!", "(?:.*a){20}b"}) {
        const auto pattern = *compile({PatternKind::Regex, expression});
        const auto answer = pattern->answer(as_bytes(bait));
        const double cost =
            median_cost([&](std::size_t) { expect(pattern->answer(as_bytes(bait)) == answer); });
        std::string escaped;
        for (const char byte : std::string_view(expression)) {
            if (byte == '\\') escaped += '\\';
            escaped += byte;
        }
        report.add("4 KiB, " + std::string(to_string(answer)), escaped, 1, cost / 1000, "us");
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bool as_table = argc == 2 && std::string_view(argv[1]) == "--table";
    if (argc > 1 && !as_table) {
        std::fprintf(stderr, "usage: decide [--table]\n");
        return 64;
    }
    const Report report(as_table);
    for (const std::size_t services : kSizes) {
        measure(
            workload_of("prefixes that begin alike", PatternKind::String, Start::Shared, services),
            report);
        measure(workload_of("prefixes spread", PatternKind::String, Start::Spread, services),
                report);
        measure(workload_of("expressions", PatternKind::Regex, Start::Shared, services), report);
    }
    measure_giving_up(report);
    measure_names(report);
    measure_lists(report);
    if (unexpected == 0) return 0;
    std::fprintf(stderr, "decide: %zu answers were not what was measured\n", unexpected);
    return 1;
}
