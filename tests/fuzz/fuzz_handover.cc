// Any message as a connection that the daemon hands to a spare. The first byte of an input says what comes with it.

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "dispatch/spares.h"
#include "support/checks.h"
#include "support/fuzz_input.h"
#include "sys/channel.h"

namespace {

using namespace portsplit;
using core::require;
using dispatch::Spares;

constexpr std::size_t kListeners = 3;

}  // namespace

// fault: F8
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    core::FuzzInput input(data, size);
    const bool has_client = input.byte() % 2 == 1;
    const std::string message = input.rest();
    if (message.empty()) return 0;  // the end of the channel
    auto channel = sys::channel_pair();
    auto spares = Spares::create();
    require(channel.ok() && spares.ok(), "there is a channel, and memory");
    const sys::UniqueFd client(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const auto sent = sys::send_message(channel->first.get(), core::as_bytes(message),
                                        has_client ? client.get() : -1, MSG_DONTWAIT);
    if (!sent) return 0;  // too long
    Spares::Place& place = *spares->clear_place();
    const auto taken = spares->take(place, channel->second.get(), kListeners);
    const Spares::State state = place.state.load();
    const handoff::Handover& got = place.message;
    const bool is_whole = message.size() == sizeof got;
    if (taken) {
        core::note_accepted();
        require(has_client && is_whole && got.kind == handoff::Kind::Handover &&
                    got.arrival.listener < kListeners,
                "what is taken is a connection of a listener, with its client");
        return 0;
    }
    require(state == Spares::State::Misunderstood || state == Spares::State::Clientless,
            "a message that is not taken has a reason");
    require(is_whole || got.id == 0, "a message of another length has no id");
    return 0;
}
