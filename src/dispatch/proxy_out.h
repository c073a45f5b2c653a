#pragma once
// The header of the PROXY protocol that a target gets in front of the client's bytes.

#include <string>
#include <vector>

#include "core/model.h"
#include "core/proxy_header.h"
#include "dispatch/origin.h"
#include "sys/error.h"

namespace portsplit::dispatch {

/// Returns the header for a client.
/// @param connect  with `proxy` other than None
/// @param fields   those of its `proxy-tlv` that had come
std::string proxy_header(const core::Connect& connect, const Origin& origin,
                         std::vector<core::ProxyTlv> fields);

/// Sends bytes to a target that has just accepted, whose buffers are empty.
/// @param more_follow  whether the client's bytes follow at once: then both go in one segment
sys::Result<core::Done> send_first(int target, const std::string& bytes, bool more_follow);

}  // namespace portsplit::dispatch
