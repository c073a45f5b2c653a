#pragma once
// Reads the header of the PROXY protocol in front of a stream, versions 1 and 2 (haproxy.org,
// proxy-protocol.txt, 2.1 and 2.2). Bytes may come in any pieces, also one by one. What cannot be the beginning
// of a header is refused at its first byte that shows it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/proxy_header.h"

namespace portsplit::core {

/// Why there is no valid header.
enum class ProxyFault : std::uint8_t {
    None,
    Signature,  ///< the stream begins with something else
    Line,       ///< a malformed line of version 1
    LongLine,   ///< no end of the line within 107 bytes
    Version,    ///< neither 1 nor 2
    Command,    ///< neither LOCAL nor PROXY
    Family,     ///< none that a stream can have
    Length,     ///< shorter than the addresses
    Tlv,        ///< an additional value is longer than what is left
    Checksum,   ///< it is not the sum of the header, or there are two
    Ended,      ///< the stream ended within it
    Late,       ///< the deadline passed before its end
};

/// Returns what is wrong, as the end of a sentence: `its checksum is wrong`.
std::string_view to_string(ProxyFault fault);

class ProxyReader {
  public:
    enum class State : std::uint8_t { Reading, Complete, Bad };

    /// Takes bytes of the stream: all that belong to the header, and none behind it.
    /// @returns how many were taken; fewer than given only if it is complete or bad now
    std::size_t take(Bytes bytes);

    State state() const { return state_; }
    /// Returns why it is bad.
    ProxyFault fault() const { return fault_; }

    /// Returns how many bytes are missing at least; 0 if it is complete or bad.
    std::size_t lack() const;

    /// Returns how many bytes were taken: of a complete header, its length.
    std::size_t size() const { return header_.size(); }

    /// Returns what a complete header says.
    const ProxyEnds& ends() const { return ends_; }

  private:
    bool is_v1() const { return header_.front() == 'P'; }
    std::size_t whole_size_v2() const;
    void look();
    void look_v1();
    void look_v2();
    void read_line(std::string_view line);
    void refuse(ProxyFault fault);
    void refuse_if(ProxyFault fault);

    std::string header_;  ///< what was taken
    State state_ = State::Reading;
    ProxyFault fault_ = ProxyFault::None;
    ProxyEnds ends_;
};

}  // namespace portsplit::core
