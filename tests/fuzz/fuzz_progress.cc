// Any message of a dispatcher, which a client may control. It may be refused. With what is accepted, log lines are
// written. The first byte of an input says from where the connection came.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "dispatch/log_line.h"
#include "dispatch/progress_message.h"
#include "support/checks.h"
#include "support/fuzz_input.h"
#include "support/layouts.h"
#include "support/progress_of.h"

namespace {

using namespace portsplit;
using namespace portsplit::dispatch;
using core::require;

constexpr const char* kBalancer = "192.0.2.7";

/// The services of `each_action`. The log has a field, and a listener has a balancer.
const core::Plan& plan() {
    static const core::Plan plan = [] {
        core::Config config = each_action().config();
        config.layouts.push_back(core::layout_of({"start = 'R' <name 8>"}));
        config.log = {"end", "test.name"};
        config.top.proxy_from = {
            {core::Prefix::Kind::Internet, 32, *core::IpAddress::parse(kBalancer), {}}};
        return core::Plan(config);
    }();
    return plan;
}

/// @param from  bit 0: a balancer; bit 1: its header was read before
ConnectionRecord record_of(std::uint8_t from) {
    ConnectionRecord record;
    record.arrival.ends = documented_ends();
    if (from % 2 == 0) record.arrival.ends.peer = *sys::Address::from({"198.51.100.9", 5});
    record.has_named_ends = from / 2 % 2 == 1;
    return record;
}

void check_lines(const Message& message, const ConnectionRecord& record) {
    const auto& progress = message.progress;
    const sys::Ends& ends = message.ends ? *message.ends : record.arrival.ends;
    sys::Arrival arrival = record.arrival;
    arrival.ends = ends;
    std::string all = connection_line(plan(), ends, progress, progress.status, {}) +
                      listener_text(plan(), arrival) + limit_text(progress);
    if (progress.service != Progress::kNone) all += start_line(plan(), ends, progress);
    if (progress.failure.stage != Stage::None) all += failure_line(plan(), arrival, progress);
    if (progress.gave_up != Progress::kNone) all += gave_up_line(plan(), arrival, progress);
    all += message.fields;
    require(core::is_one_line(all), "no byte of a message breaks a line");
    (void)becomes_program(plan(), progress);
    (void)is_last(plan(), progress);
}

}  // namespace

// fault: F8
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    core::FuzzInput input(data, size);
    const ConnectionRecord record = record_of(input.byte());
    const std::string bytes = input.rest();
    const auto message = message_in(core::as_bytes(bytes));
    require(message.has_value() || bytes.size() < sizeof(Progress) + sizeof(sys::Ends),
            "a message of the full length is read");
    if (!message || !is_valid(plan(), *message, record)) return 0;
    core::note_accepted();
    const bool may_name = record.has_named_ends || record.arrival.ends.peer.host() == kBalancer;
    require(!message->ends || may_name, "only behind a balancer are there other ends");
    require(message->fields.empty() || message->fields.starts_with(" test.name="),
            "fields are those that the log has");
    check_lines(*message, record);
    return 0;
}
