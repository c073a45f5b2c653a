#include "dispatch/progress_message.h"

#include <cstring>

#include "core/passing.h"

namespace portsplit::dispatch {
namespace {

/// Takes an object from the front of a message.
/// @returns false if the message is too short
template <typename T>
bool take(std::span<const std::byte>& buffer, T& object) {
    if (buffer.size() < sizeof object) return false;
    std::memcpy(&object, buffer.data(), sizeof object);
    buffer = buffer.subspan(sizeof object);
    return true;
}

/// Returns true if a connection may have had a PROXY header. No other may be logged under the address of
/// somebody else.
bool may_name_ends(const core::Plan& plan, const ConnectionRecord& record) {
    const sys::Arrival& arrival = record.arrival;
    return record.has_named_ends ||
           plan.expects_header(
               {arrival.listener, sys::source_of(arrival.ends.peer, plan.needs_zone())});
}

}  // namespace

std::optional<Message> message_in(std::span<const std::byte> buffer) {
    Message message;
    if (!take(buffer, message.progress)) return std::nullopt;
    if (message.progress.has_ends != 0 && !take(buffer, message.ends.emplace()))
        return std::nullopt;
    message.fields = {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
    return message;
}

bool is_valid(const core::Plan& plan, const Message& message, const ConnectionRecord& record) {
    if (message.ends) {
        const bool are_valid = message.ends->peer.is_valid() && message.ends->local.is_valid();
        if (!are_valid || !may_name_ends(plan, record)) return false;
    }
    return is_valid(plan, message.progress) &&
           core::is_logged_text(message.fields, plan.config(), service_of(plan, message.progress));
}

}  // namespace portsplit::dispatch
