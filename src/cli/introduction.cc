#include "cli/introduction.h"

#include <fmt/core.h>

#include <string_view>

#include "core/endpoint.h"
#include "core/safe_text.h"

namespace portsplit::cli {
namespace {

using core::ProxyFault;
using core::ProxyReader;
using Kind = core::ProxyEnds::Kind;

std::string text_of(const core::IpAddress& address, std::uint16_t port) {
    return core::to_string({core::Text(address.text()), port});
}

std::string text_of_path(std::string_view path) {
    if (path.empty()) return "unix";
    const bool is_abstract = path.front() == '\0';
    return "unix:" + (is_abstract ? "@" + core::safe_text(path.substr(1)) : core::safe_text(path));
}

/// Returns where a client comes from that a header names; the sender of the header if it names none.
core::Source source_of(const core::ProxyEnds& ends, const core::Source& sender) {
    if (ends.kind == Kind::Internet) return {ends.client, {}, false};
    if (ends.kind == Kind::Unix) return {std::nullopt, {}, true};
    return sender;
}

ProxyFault fault_at(core::Ending ending, std::size_t size) {
    if (ending == core::Ending::Deadline) return ProxyFault::Late;
    return ending == core::Ending::Eof && size > 0 ? ProxyFault::Ended : ProxyFault::None;
}

}  // namespace

std::optional<core::Verdict> Introduction::verdict(core::Ending ending) const {
    if (fault != ProxyFault::None) return core::Verdict{std::nullopt, core::Reason::Proxy};
    if (ending == core::Ending::Open) return std::nullopt;
    return core::Verdict{std::nullopt, core::Reason::Eof};
}

Introduction introduced(const core::Plan& plan, const core::Entrance& entrance, core::Bytes bytes,
                        core::Ending ending) {
    Introduction read{entrance, bytes, std::nullopt};
    if (!plan.admits(entrance) || !plan.expects_header(entrance)) return read;
    ProxyReader& reader = read.header.emplace();
    const std::size_t taken = reader.take(bytes);
    if (!read.is_complete()) {
        const bool is_bad = reader.state() == ProxyReader::State::Bad;
        read.fault = is_bad ? reader.fault() : fault_at(ending, taken);
        return read;
    }
    read.stream = bytes.subspan(taken);
    read.entrance.balancer = entrance.source;
    read.entrance.source = source_of(reader.ends(), entrance.source);
    return read;
}

std::optional<LoggedEnds> logged_ends(const std::optional<Introduction>& introduction) {
    if (!introduction || !introduction->is_complete()) return std::nullopt;
    const core::ProxyEnds& ends = introduction->header->ends();
    if (ends.kind == Kind::Internet) {
        return LoggedEnds{ends.client.text(), ends.client_port, ends.server.text(),
                          ends.server_port};
    }
    if (ends.kind != Kind::Unix) return std::nullopt;
    // The log has no path that a header gives the client.
    const std::string_view path = ends.server_path;
    const bool is_abstract = path.starts_with('\0');
    return LoggedEnds{
        "unix", 0, is_abstract ? "@" + core::safe_text(path.substr(1)) : core::safe_text(path), 0};
}

NamedEnds named_ends(const core::ProxyEnds& ends) {
    if (ends.kind == Kind::Internet) {
        return {text_of(ends.client, ends.client_port), text_of(ends.server, ends.server_port)};
    }
    if (ends.kind == Kind::Unix) {
        return {text_of_path(ends.client_path), text_of_path(ends.server_path)};
    }
    return {};
}

std::string header_text(const Introduction& introduction) {
    const ProxyReader& header = *introduction.header;
    if (introduction.fault != ProxyFault::None) {
        return fmt::format("no valid PROXY header: {}\n", core::to_string(introduction.fault));
    }
    if (!introduction.is_complete()) return "a PROXY header that is not complete\n";
    const core::ProxyEnds& said = header.ends();
    if (said.kind == Kind::Local) {
        return fmt::format("PROXY header: {} bytes, LOCAL: a check by its sender\n", header.size());
    }
    if (said.kind == Kind::Unknown) {
        return fmt::format("PROXY header: {} bytes, UNKNOWN: its sender counts as the client\n",
                           header.size());
    }
    const NamedEnds ends = named_ends(said);
    return fmt::format("PROXY header: {} bytes, client {}, which came to {}\n", header.size(),
                       ends.client, ends.server);
}

}  // namespace portsplit::cli
