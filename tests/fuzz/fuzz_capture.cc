// Any bytes as a file of captured traffic, and as one packet. The first byte of an input is 0 for a file, else the
// number of a link type.

#include <pcap/dlt.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "cli/capture.h"
#include "cli/packet.h"
#include "core/bytes.h"
#include "core/ip_address.h"
#include "support/checks.h"
#include "support/fuzz_input.h"
#include "sys/file.h"

namespace {

using namespace portsplit;
using core::require;

void check_packet(int link_type, const std::string& bytes) {
    require(cli::is_known_link(link_type), "the link type is known");
    const core::Bytes packet = core::as_bytes(bytes);
    const auto segment = cli::segment_in(link_type, packet);
    if (!segment) return;
    core::note_accepted();
    const auto payload = segment->payload;
    require(payload.empty() || (payload.data() >= packet.data() &&
                                payload.data() + payload.size() <= packet.data() + packet.size()),
            "the payload lies within the packet");
    for (const auto* end : {&segment->source, &segment->destination}) {
        require(core::IpAddress::parse(end->host).has_value(), "both ends have an address");
    }
}

void check_file(const std::string& bytes) {
    auto memory = sys::new_memory("capture");
    require(memory.ok() && sys::write_all(memory->get(), bytes).ok(), "there is a file");
    const std::string path = "/proc/self/fd/" + std::to_string(memory->get());
    constexpr std::size_t kMost = 64;
    constexpr std::size_t kFew = 5;
    const cli::Capture all = cli::read_capture(path, kMost);
    const cli::Capture few = cli::read_capture(path, kFew);
    require(all.streams.size() == few.streams.size() && all.skipped == few.skipped,
            "how much is kept changes no stream");
    require(core::is_one_line(all.problem), "a problem is one line");
    require(all.problem.empty() || !cli::is_capture(bytes) || !all.problem.starts_with("("),
            "a problem names the file");
    for (std::size_t i = 0; i < all.streams.size(); ++i) {
        const auto& long_one = all.streams[i].bytes;
        const auto& short_one = few.streams[i].bytes;
        require(long_one.size() <= kMost && short_one.size() <= kFew, "no more is kept than asked");
        require(short_one.size() == std::min(long_one.size(), kFew) &&
                    std::equal(short_one.begin(), short_one.end(), long_one.begin()),
                "with less kept, the beginning is the same");
    }
    if (!all.streams.empty()) core::note_accepted();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::array kLinks{DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL,
                                DLT_LOOP,   DLT_RAW,       DLT_IPV4,       DLT_IPV6};
    core::FuzzInput input(data, size);
    const std::uint8_t kind = input.byte();
    const std::string bytes = input.rest();
    if (kind % (kLinks.size() + 1) == 0) {
        check_file(bytes);
    } else {
        check_packet(kLinks[kind % (kLinks.size() + 1) - 1], bytes);
    }
    return 0;
}
