#pragma once
// The messages between a dispatcher and the sniffer that looks at its client's bytes. A sniffer may be compromised by
// these bytes, so what it says is believed only as far as it may be true.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/bytes.h"
#include "core/entrance.h"
#include "core/passing.h"
#include "core/plan.h"
#include "dispatch/proxy_in.h"
#include "sys/clock.h"
#include "sys/error.h"

namespace portsplit::dispatch {

/// What a dispatcher asks of its sniffer.
struct SnifferRequest {
    enum class Kind : std::uint32_t {
        Header,     ///< read a PROXY header
        Sniff,      ///< peek until the plan is decided
        ReadAhead,  ///< the same for a client on pipes
    };
    Kind kind = Kind::Sniff;
    sys::Clock::time_point deadline{};
    core::Entrance entrance{};
};
static_assert(std::is_trivially_copyable_v<SnifferRequest>);

/// What a sniffer found.
struct Looked {
    core::Decided decided;
    std::vector<std::byte> ahead{};  ///< bytes that were read; of a socket none
};

/// The most bytes of an answer: those that were read ahead, and what is passed on.
inline constexpr std::size_t kLongestAnswer = std::size_t{160} << 10;

// An answer as bytes, and back.

std::string pack(const sys::Result<HeaderRead>& header);
std::string pack(const sys::Result<Looked>& looked);

/// @returns nothing if the bytes are no such answer
std::optional<sys::Result<HeaderRead>> unpack_header(core::Bytes bytes);
/// @param entrance  as it was asked for
/// @returns nothing if the bytes are no such answer, or it is none that the plan can have for this client
std::optional<sys::Result<Looked>> unpack_looked(core::Bytes bytes, const core::Plan& plan,
                                                 const core::Entrance& entrance);

}  // namespace portsplit::dispatch
