// Any text as a file of cases for `portsplit test`. Each issue is on a line of the text, and each case that is read
// can be run.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "cli/cases.h"
#include "support/checks.h"
#include "support/fuzz_input.h"

namespace {

using namespace portsplit;
using core::require;

const core::Config& tested() {
    static const core::Config tested = [] {
        core::Config config;
        for (const char* name : {"git", "web", core::kFallback}) {
            config.services.push_back({name, {}, core::Exec{}});
        }
        config.listeners = {{.name = "main"}, {.name = "two"}};
        config.listeners[1].proxy_from = {
            {core::Prefix::Kind::Internet, 24, *core::IpAddress::parse("192.0.2.0"), {}}};
        return config;
    }();
    return tested;
}

core::Result<std::string, config::Problem> recording(const std::string& path) {
    if (path == "folder/known") return std::string("KNOWN");
    return config::Problem{"cannot read it"};
}

bool is_service(const std::string& name) {
    return name == "-" || std::ranges::any_of(tested().services, [&](const core::Service& one) {
               return std::string_view(one.name) == name;
           });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kLongest = 8192;
    if (size > kLongest) return 0;
    const std::string text(data, data + size);
    (void)cli::is_file_of_cases(text);
    const cli::Cases cases = cli::read_cases(text, "folder/f", tested(), recording);
    const int lines = static_cast<int>(std::ranges::count(text, '\n')) + 1;
    bool has_error = false;
    for (const config::Issue& issue : cases.issues) {
        has_error |= issue.severity == config::Severity::Error;
        require(issue.spot.line >= 1 && issue.spot.line <= lines, "an issue is on a line");
        require(core::is_one_line(config::to_string(issue)), "an issue is one line");
    }
    require(!has_error || cases.cases.empty(), "there is a case or an error");
    for (const cli::Case& one : cases.cases) {
        require(one.line >= 1 && one.line <= lines, "a case begins on a line");
        require(is_service(one.service), "a case expects a service that there is");
        require(one.entrance.listener < core::listeners_of(tested()).size(),
                "a case has a listener that there is");
    }
    if (!cases.cases.empty()) core::note_accepted();
    return 0;
}
