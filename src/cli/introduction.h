#pragma once
// The PROXY header in front of a client's bytes, for the commands that decide without a connection.

#include <cstdint>
#include <optional>
#include <string>

#include "core/bytes.h"
#include "core/entrance.h"
#include "core/plan.h"
#include "core/proxy_reader.h"
#include "core/verdict.h"

namespace portsplit::cli {

/// What a connection is once its PROXY header is read, as a dispatcher does it.
struct Introduction {
    core::Entrance entrance;                  ///< with the client that the header names
    core::Bytes stream;                       ///< behind the header; borrowed
    std::optional<core::ProxyReader> header;  ///< none if the connection needs none
    core::ProxyFault fault = core::ProxyFault::None;

    /// Returns true if the stream can be decided on.
    bool is_complete() const {
        return !header || header->state() == core::ProxyReader::State::Complete;
    }
    /// Returns the verdict while the header is not complete; nothing if more of it may come.
    std::optional<core::Verdict> verdict(core::Ending ending) const;
};

/// @param bytes  the first bytes of a connection
/// @param ending  how the stream ends after them
Introduction introduced(const core::Plan& plan, const core::Entrance& entrance, core::Bytes bytes,
                        core::Ending ending);

/// Returns a line about a header, with a newline: `PROXY header: 28 bytes, client 192.0.2.7:50022, ...`.
std::string header_text(const Introduction& introduction);

/// The ends of a connection as the log has them.
struct LoggedEnds {
    std::string src;
    std::uint16_t sport = 0;
    std::string dst;
    std::uint16_t dport = 0;
};
/// Returns the ends that a header names; nothing if there is no complete one, or it names none.
std::optional<LoggedEnds> logged_ends(const std::optional<Introduction>& introduction);

/// Returns the client and the address that it came to, as a complete header says; empty if it does not.
struct NamedEnds {
    std::string client;
    std::string server;
};
NamedEnds named_ends(const core::ProxyEnds& ends);

}  // namespace portsplit::cli
