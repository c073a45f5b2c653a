// Any bytes as what the reader of the file sends to the daemon. They may be refused. The daemon can look up any
// client in what is read, and count connections with it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/packed.h"
#include "daemon/facts.h"
#include "daemon/ledger.h"
#include "support/checks.h"

namespace {

using namespace portsplit;
using core::require;
using daemon::Admission;

/// Returns clients of each family, of which one has a zone, and one of no family.
std::vector<sys::Address> clients() {
    std::vector<sys::Address> clients{{}, sys::Address::of_unix("/run/a")};
    for (const char* host : {"0.0.0.0", "192.0.2.7", "255.255.255.255", "::", "2001:db8::7",
                             "fe80::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
        clients.push_back(sys::Address::from(*core::IpAddress::parse(host), 1));
    }
    return clients;
}

std::string bytes_of(const Admission& admission) {
    std::string bytes;
    admission.append_to(bytes);
    return bytes;
}

void check_admission(const Admission& admission) {
    const std::string bytes = bytes_of(admission);
    std::string_view rest = bytes;
    const auto again = Admission::take_from(rest);
    require(again && rest.empty() && bytes_of(*again) == bytes, "lists are packed as the same");
    for (std::size_t listener = 0; listener <= admission.listener_count(); ++listener) {
        for (const sys::Address& client : clients()) {
            if (!client.is_internet() && !client.is_unix()) continue;
            require(
                admission.admits(listener, client) == again->admits(listener, client) &&
                    admission.is_balancer(listener, client) == again->is_balancer(listener, client),
                "both answer the same");
        }
    }
}

void check_limits(const daemon::Facts& facts) {
    daemon::Ledger ledger;
    ledger.use(facts.config, facts.services);
    const daemon::Ledger::Time now{std::chrono::hours(1)};
    const auto opened = ledger.open(1, 0, *core::IpAddress::parse("192.0.2.7"), now);
    require(opened == core::Refusal::None, "the first connection is none too many");
    for (const core::ServiceBudget& service : facts.services) {
        (void)ledger.choose(1, service.name);
    }
    ledger.close(1, {}, now);
    require(ledger.undecided() == 0, "after the last connection none is undecided");
}

}  // namespace

// fault: F8
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(data, data + size);
    const std::uint32_t problems = daemon::unpack_problems(bytes);
    require(problems == 0 || daemon::pack_problems(problems) == bytes,
            "problems are packed as the same");
    const auto facts = daemon::unpack_facts(bytes);
    if (!facts) return 0;
    core::note_accepted();
    require(config::unpack(config::pack(facts->config), config::Need::Global) == facts->config,
            "the configuration is packed as the same");
    check_admission(facts->admission);
    check_limits(*facts);
    return 0;
}
