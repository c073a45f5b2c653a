// Compares the reader of PROXY headers, which gets the stream in pieces, with a second one, which has it whole.
// The first byte of an input is the size of the pieces.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/proxy_reader.h"
#include "support/checks.h"
#include "support/naive_proxy.h"

namespace {

using namespace portsplit;
using core::NaiveHeader;
using core::ProxyReader;

/// Returns what a reader finds that gets the stream in pieces.
ProxyReader read(std::string_view stream, std::size_t piece) {
    ProxyReader reader;
    while (!stream.empty() && reader.state() == ProxyReader::State::Reading) {
        const std::string_view given = stream.substr(0, piece);
        const std::size_t taken = reader.take(core::as_bytes(given));
        core::require(taken <= given.size(), "no byte is taken that was not given");
        stream.remove_prefix(taken);
    }
    return reader;
}

}  // namespace

// fault: C10
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    const ProxyReader in_pieces = read(stream, data[0] + std::size_t{1});
    const ProxyReader whole = read(stream, size);
    core::require(in_pieces.state() == whole.state() && in_pieces.fault() == whole.fault() &&
                      in_pieces.ends() == whole.ends(),
                  "the answer does not depend on how the stream was cut");
    const auto naive = core::read_naively(stream);
    std::optional<NaiveHeader> found;
    if (whole.state() == ProxyReader::State::Complete) {
        found = NaiveHeader{whole.size(), whole.ends()};
    }
    core::require(found == naive, "both readers find the same header, or none");
    if (!found) return 0;
    core::note_accepted();
    core::ProxyEnds written;
    written.kind = core::ProxyEnds::Kind::Local;
    if (found->ends.kind == core::ProxyEnds::Kind::Internet) written = found->ends;
    const ProxyReader again = read(core::proxy_header_v2(found->ends, {}, true), 1);
    core::require(again.ends() == written, "what is written can be read");
    return 0;
}
