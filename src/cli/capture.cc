#include "cli/capture.h"

#include <fmt/core.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "cli/packet.h"

namespace portsplit::cli {
namespace {

/// The first bytes of a capture with times in microseconds or nanoseconds, in either byte order, and of
/// pcapng.
constexpr std::array<std::string_view, 5> kCaptureMarks{"\xD4\xC3\xB2\xA1", "\xA1\xB2\xC3\xD4",
                                                        "\x4D\x3C\xB2\xA1", "\xA1\xB2\x3C\x4D",
                                                        "\x0A\x0D\x0D\x0A"};

/// The segments of one client that wait for an earlier one, which was lost or comes later.
class Client {
  public:
    Client(std::size_t stream, std::uint32_t first) : stream_(stream), first_(first) {}

    /// Keeps a segment that begins within the first `most` bytes, then appends to the stream each
    /// kept segment that leaves no gap.
    void take(const Segment& segment, std::size_t most, Stream& stream) {
        // Modulo 2^32 (RFC 9293 3.4). A SYN takes one sequence number before its payload.
        const std::uint32_t place = segment.sequence + (segment.syn ? 1 : 0) - first_;
        if (segment.fin) end_ = place + segment.payload.size();
        if (place < most && !segment.payload.empty()) {
            waiting_.emplace(place, std::vector(segment.payload.begin(), segment.payload.end()));
        }
        std::erase_if(waiting_, [&](const auto& piece) { return append(piece, most, stream); });
        stream.ended = end_ && stream.bytes.size() >= std::min<std::size_t>(*end_, most);
    }

    std::size_t stream() const { return stream_; }
    std::uint32_t first() const { return first_; }

  private:
    /// Appends the bytes that the stream lacks, unless there is a gap before them.
    /// @returns true if the piece is no longer needed
    static bool append(const std::pair<const std::size_t, std::vector<std::byte>>& piece,
                       std::size_t most, Stream& stream) {
        const auto& [place, bytes] = piece;
        const std::size_t known = stream.bytes.size();
        if (place > known) return false;
        if (place + bytes.size() <= known) return true;
        const auto fresh = std::span(bytes).subspan(known - place);
        const auto wanted = fresh.first(std::min(fresh.size(), most - known));
        stream.bytes.insert(stream.bytes.end(), wanted.begin(), wanted.end());
        return true;
    }

    std::size_t stream_;
    std::uint32_t first_;  ///< the sequence number of the first byte
    std::multimap<std::size_t, std::vector<std::byte>> waiting_;
    std::optional<std::size_t> end_;
};

/// Sorts segments by connection.
class Collector {
  public:
    explicit Collector(std::size_t most) : most_(most) {}

    void take(const Segment& segment) {
        const Key key{segment.source.host, segment.source.port, segment.destination.host,
                      segment.destination.port};
        if (segment.syn && !segment.ack) {
            open(key, segment);
        } else if (segment.syn) {
            return;  // SYN and ACK: from the server
        }
        const auto client = clients_.find(key);
        if (client == clients_.end()) {
            const Key reverse{segment.destination.host, segment.destination.port,
                              segment.source.host, segment.source.port};
            if (!clients_.contains(reverse)) ++capture_.skipped;
            return;
        }
        client->second.take(segment, most_, capture_.streams[client->second.stream()]);
    }

    Capture finish(std::string problem) {
        capture_.problem = std::move(problem);
        return std::move(capture_);
    }

  private:
    using Key = std::tuple<std::string, std::uint16_t, std::string, std::uint16_t>;

    /// Begins a stream, unless this SYN is a retransmission: then its sequence number is the same.
    void open(const Key& key, const Segment& segment) {
        const std::uint32_t first = segment.sequence + 1;
        const auto known = clients_.find(key);
        if (known != clients_.end() && known->second.first() == first) return;
        clients_.insert_or_assign(key, Client(capture_.streams.size(), first));
        capture_.streams.push_back({segment.source, segment.destination, {}, false});
    }

    std::size_t most_;
    std::map<Key, Client> clients_;
    Capture capture_;
};

Capture unreadable(std::string problem) {
    return {.streams = {}, .skipped = 0, .problem = std::move(problem)};
}

}  // namespace

bool is_capture(std::string_view bytes) {
    return std::any_of(kCaptureMarks.begin(), kCaptureMarks.end(),
                       [&](std::string_view mark) { return bytes.starts_with(mark); });
}

Capture read_capture(const std::string& path, std::size_t most) {
    std::array<char, PCAP_ERRBUF_SIZE> error{};
    const std::unique_ptr<pcap_t, decltype(&pcap_close)> file(
        pcap_open_offline(path.c_str(), error.data()), &pcap_close);
    if (file == nullptr) {
        std::string_view why = error.data();
        const std::string name = path + ": ";  // some messages of libpcap begin with it
        if (why.starts_with(name)) why.remove_prefix(name.size());
        // The text of libpcap 1.10 for a file that is none.
        const char* advice = why == "unknown file format"
                                 ? "; a capture is what tcpdump -w or Wireshark writes"
                                 : "";
        return unreadable(fmt::format("cannot read the capture {}: {}{}", path, why, advice));
    }
    const int link_type = pcap_datalink(file.get());
    if (!is_known_link(link_type)) {
        const char* name = pcap_datalink_val_to_name(link_type);
        return unreadable(fmt::format(
            "{}: packets of link type {}; capture on an Ethernet, any or loopback interface", path,
            name == nullptr ? "unknown" : name));
    }
    Collector collector(most);
    pcap_pkthdr* header = nullptr;
    const unsigned char* data = nullptr;
    int more = 0;
    while ((more = pcap_next_ex(file.get(), &header, &data)) == 1) {
        const auto packet = std::as_bytes(std::span(data, header->caplen));
        if (const auto segment = segment_in(link_type, packet)) collector.take(*segment);
    }
    if (more != PCAP_ERROR) return collector.finish("");
    return collector.finish(
        fmt::format("cannot read the rest of {}: {}", path, pcap_geterr(file.get())));
}

}  // namespace portsplit::cli
