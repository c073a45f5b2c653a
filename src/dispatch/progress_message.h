#pragma once
// A message of a dispatcher on the progress channel, as the zygote reads it: `Progress`, then the ends of the
// connection if a PROXY header named them, then the fields for the log. A compromised dispatcher can send any bytes.

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "core/plan.h"
#include "dispatch/progress.h"
#include "dispatch/record.h"
#include "sys/address.h"

namespace portsplit::dispatch {

struct Message {
    Progress progress;
    std::optional<sys::Ends> ends;
    std::string_view fields;
};

/// Returns the message in `buffer`, of which it keeps a part; nothing if it is too short.
std::optional<Message> message_in(std::span<const std::byte> buffer);

/// Returns true if a message can be used. This is a trust boundary, see `is_valid` for progress.
/// @param record  of the connection that the sender serves
bool is_valid(const core::Plan& plan, const Message& message, const ConnectionRecord& record);

}  // namespace portsplit::dispatch
