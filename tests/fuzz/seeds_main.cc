// Writes seeds of the messages and the state of the programs, each a folder of the corpus: `fuzz_seeds FOLDER NAME`.
// Their form changes with the programs. If the replay of a corpus reports that no file is accepted, delete what is
// there, write the seeds anew, and search from them.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "config/packed.h"
#include "core/proxy_header.h"
#include "daemon/facts.h"
#include "daemon/ledger.h"
#include "daemon/refusals.h"
#include "daemon/state.h"
#include "dispatch/progress_message.h"
#include "dispatch/sniffer_message.h"
#include "handoff.h"
#include "support/progress_of.h"
#include "support/random_config.h"
#include "support/sniffer_plan.h"

namespace {

using namespace portsplit;
using Seeds = std::map<std::string, std::string>;

template <typename T>
std::string bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

core::IpAddress ip(const char* text) { return *core::IpAddress::parse(text); }

/// A configuration with every list of clients, and a service of each action.
core::Config with_lists() {
    core::Config config;
    config.listeners = {{.name = "main"}, {.name = "two"}};
    core::Listener& main = config.listeners[0];
    main.allow = {{core::Prefix::Kind::Internet, 24, ip("192.0.2.0"), {}},
                  {core::Prefix::Kind::Unix, 0, {}, {}}};
    main.deny = {{core::Prefix::Kind::Internet, 32, ip("192.0.2.9"), {}},
                 {core::Prefix::Kind::Internet, 64, ip("fe80::"), {}}};
    main.proxy_from = {{core::Prefix::Kind::Internet, 32, ip("2001:db8::1"), {}}};
    main.maxconn_source = 3;
    main.maxundecided = 4;
    main.rate_source = {5, 10};
    config.services = {{"ssh", {{core::PatternKind::String, "SSH-"}}, core::Connect{{{"::1", 22}}}},
                       {"web",
                        {{core::PatternKind::Hex, "16 03"}},
                        core::Exec{.program = "/bin/cat", .arguments = {}}}};
    config.services[0].maxconn = 2;
    config.services[1].maxconn_source = 1;
    return config;
}

Seeds packed() {
    Seeds seeds{{"lists", config::pack(with_lists())}};
    for (unsigned seed : {1U, 2U, 3U, 5U, 8U}) {
        core::Config config = config::RandomConfig(seed, seed % 2 == 0).make();
        // The target reads a configuration as the daemon does: without its services.
        if (seed > 2) config.services.clear();
        seeds["random_" + std::to_string(seed)] = config::pack(config);
    }
    const std::string whole = seeds["random_1"];
    seeds["bytes_behind"] = whole + "x";
    seeds["cut"] = whole.substr(0, whole.size() / 2);
    return seeds;
}

Seeds facts() {
    const sys::User user{1, 2, {3, 4, 5}};
    return {{"empty", daemon::pack_facts({}, std::nullopt)},
            {"lists", daemon::pack_facts(with_lists(), user)},
            {"random", daemon::pack_facts(config::RandomConfig(1, false).make(), user)},
            {"problems", daemon::pack_problems(3)}};
}

/// Returns what a part has appended, without the sum that the target adds.
/// @param part  of fuzz_state.cc
std::string without_sum(char part, const daemon::StateWriter& writer) {
    std::string bytes = part + writer.finish();
    bytes.resize(bytes.size() - sizeof(std::uint64_t));
    return bytes;
}

std::string ledger() {
    daemon::Ledger ledger;
    const daemon::Ledger::Time now{std::chrono::hours(3)};
    ledger.use(with_lists(), core::service_budgets(with_lists()));
    (void)ledger.open(1, 0, ip("192.0.2.7"), now);
    (void)ledger.choose(1, "ssh");
    ledger.open_for_balancer(2, 0, now);
    (void)ledger.open(3, 1, ip("2001:db8::7"), now);
    ledger.close(3, {handoff::Reaped::Cause::Crash, 0}, now);
    daemon::StateWriter writer;
    ledger.append_to(writer);
    return without_sum(1, writer);
}

std::string refusals() {
    daemon::Refusals refusals;
    const daemon::Refusals::Time now{std::chrono::hours(3)};
    for (int i = 0; i < 3; ++i) (void)refusals.add(core::Refusal::Rate, ip("192.0.2.7"), now);
    daemon::StateWriter writer;
    refusals.append_to(writer);
    return without_sum(2, writer);
}

/// One generation in force and one that is retired (generations_state.cc).
std::string generations() {
    daemon::StateWriter writer;
    writer.number(5);
    writer.number(1);
    const auto generation = [&](std::uint64_t pid) {
        writer.number(pid);
        for (const int fd : {-1, -1, -1}) writer.descriptor(fd);
        for (const std::uint64_t number : {1U, 2U, 0U}) writer.number(number);
        for (const std::uint64_t id : {2U, 7U, 8U}) writer.number(id);
        writer.number(1);
        writer.text("ssh");
        writer.number(2);
        writer.number(1);
    };
    generation(4711);
    writer.number(1);
    generation(4712);
    return without_sum(3, writer);
}

/// One socket of each family (sockets_state.cc).
std::string sockets() {
    daemon::StateWriter writer;
    writer.number(2);
    for (const char* host : {"127.0.0.1", "unix:/run/a"}) {
        const bool has_file = std::string_view(host).starts_with("unix:");
        writer.text(host);
        writer.number(has_file ? 0 : 443);
        writer.descriptor(-1);
        writer.text(host);
        writer.number(0);
        writer.text("name");
        writer.number(0);
        writer.text("eth0");
        writer.number(1);
        writer.number(0);
        writer.number(has_file ? 1 : 0);
        if (!has_file) continue;
        writer.text("/run/a");
        writer.number(1);
        writer.number(2);
    }
    return without_sum(4, writer);
}

std::string queue() {
    daemon::StateWriter writer;
    writer.number(9);
    writer.time({});
    writer.number(0);
    return without_sum(5, writer);
}

/// A value of each type (fuzz_state.cc, check_reader).
std::string values() {
    daemon::StateWriter writer;
    for (const std::uint64_t number : {0U, 1U, 1U, 0U, 3U, 9U}) writer.number(number);
    writer.number(2);
    writer.text("text");
    writer.number(4);
    writer.address(ip("192.0.2.7"));
    writer.number(5);
    writer.optional_address(ip("2001:db8::7"));
    writer.number(6);
    writer.descriptor(-1);
    return without_sum(0, writer);
}

Seeds state() {
    return {{"values", values()},           {"ledger", ledger()},   {"refusals", refusals()},
            {"generations", generations()}, {"sockets", sockets()}, {"queue", queue()}};
}

template <typename Message>
std::string said(const Message& message) {
    return static_cast<char>(sizeof message) + bytes_of(message);
}

Seeds from_zygote() {
    handoff::Decided decided{.count = 3};
    decided.ids = {1, 2, 99};
    const auto address = sys::Address::from(ip("192.0.2.8"), 9);
    const handoff::Question client{.id = 2, .client = address};
    const std::string ready = said(handoff::Ready{});
    return {{"ready", ready + said(handoff::Here{})},
            {"served", ready + said(handoff::Question{.service = 0, .id = 1}) + said(decided) +
                           said(handoff::Reaped{.cause = handoff::Reaped::Cause::Crash, .id = 1}) +
                           said(handoff::Reaped{.id = 1})},
            {"named", said(client) + said(handoff::Question{.service = 1, .id = 2}) +
                          said(handoff::Reaped{
                              .cause = handoff::Reaped::Cause::Undecided, .id = 2, .penalty = 7})},
            {"foreign", said(handoff::Question{.service = 9, .id = 3}) + said(client) +
                            said(handoff::Kill{.child = 1}) + said(handoff::Reaped{.id = 7})}};
}

Seeds handover() {
    handoff::Handover message{.id = 7};
    message.arrival.ends = dispatch::documented_ends();
    const std::string one = bytes_of(message);
    message.arrival.listener = 3;
    return {{"client", '\1' + one},
            {"without_client", '\0' + one},
            {"listener", '\1' + bytes_of(message)},
            {"longer", '\1' + one + "x"}};
}

Seeds progress() {
    using namespace dispatch;
    Progress served = decided_for(kSsh);
    served.target = 1;
    served.counted = 1;
    served.bytes_in = 12;
    Progress failed = decided_for(kShell);
    failed.failure = {Stage::Start, 2, 0};
    failed.gave_up = kWeb;
    Progress named = decided_for(kWeb);
    named.has_ends = 1;
    const std::string ends = bytes_of(documented_ends());
    const std::string field = " test.name=a.example";
    return {{"served", '\0' + bytes_of(served) + field},
            {"failed", '\0' + bytes_of(failed)},
            {"named", '\1' + bytes_of(named) + ends + field},
            {"named_twice", '\2' + bytes_of(named) + ends},
            {"not_named", '\0' + bytes_of(named) + ends}};
}

Seeds sniffer() {
    using namespace dispatch;
    const auto header = [](const HeaderRead& read) {
        return '\0' + pack(sys::Result<HeaderRead>(read));
    };
    const auto looked = [](const Looked& found) { return '\1' + pack(sys::Result<Looked>(found)); };
    using Kind = core::ProxyEnds::Kind;
    Looked web;
    web.decided.verdict = {0, core::Reason::Match};
    web.decided.passed.variables = {{"NAME", "a.example"}};
    web.ahead = {std::byte{'W'}};
    Looked far;
    far.decided.verdict = {1, core::Reason::Match};
    far.decided.passed.tlvs = {{0xE0, "a"}, {0x01, "b"}};
    Looked none;
    none.decided.verdict = {std::nullopt, core::Reason::Timeout, 1};
    return {{"no_header", header({})},
            {"late", header({.ends = {}, .fault = core::ProxyFault::Late})},
            {"internet", header({.ends = core::ProxyEnds{Kind::Internet, ip("192.0.2.7"),
                                                         ip("2001:db8::1"), 1, 65535}})},
            {"unix", header({.ends = core::ProxyEnds{Kind::Unix, {}, {}, 0, 0, "/run/a", ""}})},
            {"web", looked(web)},
            {"far", looked(far)},
            {"none", looked(none)},
            {"error", '\1' + pack(sys::Result<Looked>(sys::SysError{5, "x"}))}};
}

}  // namespace

int main(int argc, char** argv) {
    const std::map<std::string, Seeds (*)()> makers{
        {"packed", packed},           {"facts", facts},       {"state", state},
        {"from_zygote", from_zygote}, {"handover", handover}, {"progress", progress},
        {"sniffer", sniffer}};
    const auto maker = argc == 3 ? makers.find(argv[2]) : makers.end();
    if (maker == makers.end()) {
        std::fprintf(stderr, "usage: fuzz_seeds FOLDER NAME\n");
        return 64;
    }
    for (const auto& [name, bytes] : maker->second()) {
        std::ofstream file(std::filesystem::path(argv[1]) / name, std::ios::binary);
        file << bytes;
        if (!file.flush()) {
            std::fprintf(stderr, "cannot write %s\n", name.c_str());
            return 1;
        }
    }
    return 0;
}
