#include "cli/capture.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "cli/packet.h"

namespace portsplit::cli {
namespace {

/// What a client sent, put in order whatever the order of its segments.
class Client {
  public:
    Client(std::size_t stream, std::uint32_t first) : stream_(stream), first_(first) {}

    /// Keeps a segment that may be needed, and moves to the stream what now follows without a gap.
    void take(const Segment& segment, std::size_t most, Stream& stream) {
        // Modulo 2^32, as sequence numbers are. A SYN takes one number before its payload.
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
    /// @returns whether the piece is done with
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

class Collector {
  public:
    explicit Collector(std::size_t most) : most_(most) {}

    void take(const Segment& segment) {
        const Key key{segment.source.host, segment.source.port, segment.destination.host,
                      segment.destination.port};
        if (segment.syn && !segment.ack) {
            open(key, segment);
        } else if (segment.syn) {
            return;  // the server's half
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

    /// A SYN that is sent again is the same stream; one with another number is a new one.
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

Capture read_capture(const std::string& path, std::size_t most) {
    std::array<char, PCAP_ERRBUF_SIZE> error{};
    const std::unique_ptr<pcap_t, decltype(&pcap_close)> file(
        pcap_open_offline(path.c_str(), error.data()), &pcap_close);
    if (file == nullptr) return unreadable(std::string("cannot read the capture: ") + error.data());
    const int link_type = pcap_datalink(file.get());
    if (!is_known_link(link_type)) {
        const char* name = pcap_datalink_val_to_name(link_type);
        return unreadable(path + ": packets of link type " + (name == nullptr ? "unknown" : name) +
                          "; capture on an Ethernet, any or loopback interface");
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
    return collector.finish("cannot read the rest of " + path + ": " + pcap_geterr(file.get()));
}

}  // namespace portsplit::cli
