// Any messages as those of a zygote to the daemon. An input is messages, a byte of length before each. Whatever
// they say: they name only connections that this generation has, and the accounts stay right.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>

#include "daemon/accounts.h"
#include "daemon/generation.h"
#include "daemon/state.h"
#include "handoff.h"
#include "support/checks.h"
#include "support/fuzz_input.h"
#include "sys/channel.h"

namespace {

using namespace portsplit;
using namespace portsplit::daemon;
using core::require;

/// The first is a client, the second came from a balancer. The last is of another generation.
constexpr std::uint64_t kConnections = 6;
constexpr std::uint64_t kForeign = kConnections + 1;

core::Config config() {
    core::Config config;
    config.listeners = {{.name = "main"}};
    config.listeners[0].maxconn_source = 3;
    config.listeners[0].maxundecided = 4;
    return config;
}

const std::vector<core::ServiceBudget>& services() {
    static const std::vector<core::ServiceBudget> services{{"ssh", 2, 1}, {"web", 0, 2}};
    return services;
}

/// A generation with connections, and the ends of its channels that a zygote has.
class Fixture {
  public:
    Fixture() : generation_(make()) {
        accounts_.ledger.use(config(), services());
        const auto now = sys::Clock::now();
        const auto source = *core::IpAddress::parse("192.0.2.7");
        for (std::uint64_t id = 1; id <= kForeign; ++id) {
            if (id % 2 == 1) (void)accounts_.ledger.open(id, 0, source, now);
            if (id % 2 == 0) accounts_.ledger.open_for_balancer(id, 0, now);
        }
    }

    /// @returns false if the message could not be sent
    bool say(const std::string& message) {
        const auto before = generation_.connections();
        if (!sys::send_message(zygote_.get(), core::as_bytes(message), -1, MSG_DONTWAIT)) {
            return false;
        }
        generation_.receive(accounts_);
        require(generation_.connections() <= before, "a zygote makes no connection");
        require(generation_.ids().size() <= kConnections && !generation_.ids().contains(kForeign),
                "a zygote names no connection of another");
        return true;
    }

    /// @param questions  the most answers that there may be
    void check_answers(std::size_t questions) {
        handoff::Answer answer;
        const auto bytes = std::as_writable_bytes(std::span(&answer, 1));
        for (;; --questions) {
            const auto received = sys::receive_message(orders_.get(), bytes);
            if (!received || received->size == 0) return;
            require(questions > 0, "each answer has a question");
            require(received->size == sizeof answer && answer.kind == handoff::Kind::Answer &&
                        answer.refusal < core::kRefusals && answer.id >= 1 &&
                        answer.id <= kConnections,
                    "an answer is one of the contract");
        }
    }

    void end_all() {
        const auto now = sys::Clock::now();
        for (std::uint64_t id = 1; id <= kForeign; ++id) accounts_.ledger.close(id, {}, now);
        require(accounts_.ledger.undecided() == 0, "after the last connection none is undecided");
    }

  private:
    Generation make() {
        auto channel = sys::channel_pair();
        auto orders = sys::channel_pair();
        require(channel.ok() && orders.ok(), "there are channels");
        zygote_ = std::move(channel->second);
        orders_ = std::move(orders->second);
        StateWriter writer;
        // No process has this pid, so nothing can be killed.
        writer.number(std::numeric_limits<pid_t>::max());
        writer.descriptor(channel->first.release());
        writer.descriptor(-1);
        writer.descriptor(orders->first.release());
        writer.number(0);
        writer.number(kConnections);
        writer.number(0);
        writer.number(kConnections);
        for (std::uint64_t id = 1; id <= kConnections; ++id) writer.number(id);
        writer.number(services().size());
        for (const core::ServiceBudget& service : services()) {
            writer.text(service.name);
            writer.number(service.all);
            writer.number(service.source);
        }
        const std::string bytes = writer.finish();
        StateReader reader(bytes, StateReader::Descriptors::Take);
        Generation generation = Generation::take_from(reader);
        require(reader.is_done(), "the generation is made");
        return generation;
    }

    sys::UniqueFd zygote_;
    sys::UniqueFd orders_;
    Accounts accounts_;
    Generation generation_;
};

bool is_question(const std::string& message) {
    handoff::Kind kind{};
    if (message.size() != sizeof(handoff::Question)) return false;
    std::memcpy(&kind, message.data(), sizeof kind);
    return kind == handoff::Kind::Question;
}

}  // namespace

// fault: F8
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr int kMost = 32;
    core::FuzzInput input(data, size);
    Fixture fixture;
    std::size_t questions = 0;
    for (int i = 0; i < kMost && !input.is_empty(); ++i) {
        const std::string message = input.short_text();
        // An empty message would mean that the zygote has ended.
        if (message.empty() || !fixture.say(message)) continue;
        questions += is_question(message) ? 1U : 0U;
    }
    if (questions > 0) core::note_accepted();
    fixture.check_answers(questions);
    fixture.end_all();
    return 0;
}
