#pragma once
// What a part of the daemon keeps over an upgrade, as bytes.

#include <cstddef>
#include <cstdint>
#include <string>

#include "daemon/state.h"

namespace portsplit::daemon {

/// Returns what a part appends.
template <typename Part>
std::string bytes_of(const Part& part) {
    StateWriter writer;
    part.append_to(writer);
    return writer.finish();
}

/// Returns bytes of which one is another, with a right sum behind them.
/// @param change  any number
inline std::string with_changed(std::string bytes, std::size_t at, std::uint64_t change) {
    bytes.resize(bytes.size() - sizeof(std::uint64_t));
    bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1 + change % 255));
    StateWriter writer;
    for (const char c : bytes) writer.plain(c);
    return writer.finish();
}

}  // namespace portsplit::daemon
