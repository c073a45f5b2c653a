#pragma once
// Endpoints: the addresses of a bind or a target, text to the model.

#include <cstddef>
#include <string_view>

#include "config/key_table.h"
#include "config/value.h"
#include "core/endpoint.h"
#include "core/result.h"

namespace portsplit::config {

/// RFC 1035 2.3.4.
inline constexpr std::size_t kLongestHost = 253;

/// Reads `192.0.2.1:443`, `[2001:db8::1]:443`, `[fe80::1%eth0]:443`, `*:443` for a bind, `NAME:443` for a target, or
/// `unix:PATH` with the options of a bind.
/// @param key  of type Bind or Target
core::Result<core::Endpoint, Problem> read_endpoint(const Key& key, std::string_view text);

}  // namespace portsplit::config
