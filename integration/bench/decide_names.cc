// The decision about a TLS ClientHello of 1.8 kB with one of many names: all names in one service, or
// one name in each service. Each decision reads the ClientHello anew.

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "config/load.h"
#include "core/verdict.h"
#include "decide.h"
#include "hello.h"

namespace bench {
namespace {

using namespace portsplit::core;

/// A configuration has 10,000 services at most.
constexpr std::size_t kMostServices = 10'000;
constexpr std::size_t kNames[] = {1, 10, 100, 1'000, 10'000, 100'000};

/// In a name.
constexpr std::size_t kDigitsAt = 4;
constexpr std::size_t kDigits = 6;

/// All names are equally long, so one name in a hello can be replaced by another.
std::string name_of(std::size_t number) {
    char text[32];
    std::snprintf(text, sizeof text, "www-%0*zu.example.org", static_cast<int>(kDigits), number);
    return text;
}

/// Returns the layout `tls` of the library.
LayoutSource tls_layout() {
    std::ostringstream text;
    text << std::ifstream(PORTSPLIT_SOURCE_DIR "/contrib/patterns/layouts/tls.conf").rdbuf();
    text << "[any]\nlayout = tls\nexec = cat\n";
    const auto loaded =
        portsplit::config::read(text.str(), "tls.conf", portsplit::config::Need::Services);
    expect(loaded.config.has_value());
    return loaded.config ? loaded.config->layouts.front() : LayoutSource{};
}

/// Returns services with so many names in each.
Config config_of(std::size_t services, std::size_t names_in_each) {
    Config config;
    config.layouts.push_back(tls_layout());
    for (std::size_t i = 0; i < services; ++i) {
        FieldCondition condition{.field = "sni", .values = {}};
        for (std::size_t j = 0; j < names_in_each; ++j) {
            condition.values.push_back(Text(name_of(i * names_in_each + j)));
        }
        Service service;
        service.name = "service" + std::to_string(i);
        service.layouts.push_back({.layout = "tls", .conditions = {std::move(condition)}});
        config.services.push_back(std::move(service));
    }
    return config;
}

void measure(const std::string& workload, std::size_t services, std::size_t names_in_each,
             const Report& report) {
    const std::size_t names = services * names_in_each;
    const Config config = config_of(services, names_in_each);
    const std::size_t model = heap_of_copy(config);
    const std::size_t before = heap_in_use();
    const auto begin = Clock::now();
    const auto plan = std::make_unique<const Plan>(config);
    const std::chrono::duration<double, std::micro> compiling = Clock::now() - begin;
    const std::size_t after = heap_in_use();

    std::string hello = client_hello({.name = name_of(0)});
    // The digits of the name; six divisions take a few nanoseconds.
    const std::size_t digits = hello.find(name_of(0)) + kDigitsAt;
    const auto look = [&](std::size_t name) {
        for (std::size_t i = kDigits; i > 0; --i, name /= 10) {
            hello[digits + i - 1] = static_cast<char>('0' + name % 10);
        }
        return decide(*plan, as_bytes(hello), Ending::Open);
    };
    const double cost = median_cost([&](std::size_t number) {
        const std::size_t name = scattered(number, names);
        const auto verdict = look(name);
        expect(verdict && verdict->service == name / names_in_each);
    });
    report.add("look", workload, names, cost, "ns");
    const double no_service = median_cost([&](std::size_t number) {
        const auto verdict = look(names + number % 1000);
        expect(verdict && verdict->reason == Reason::Fallback);
    });
    report.add("look that fits no service", workload, names, no_service, "ns");
    report.add("compile", workload, names, compiling.count(), "us");
    // With few services malloc may reuse memory that was counted before.
    if (names >= 100) {
        report.add("memory beside the model", workload, names,
                   static_cast<double>(after - before - model), "bytes");
    }
}

}  // namespace

void measure_names(const Report& report) {
    for (const std::size_t names : kNames) {
        measure("names in one service", 1, names, report);
        if (names <= kMostServices) measure("a name in each service", names, 1, report);
    }
}

}  // namespace bench
