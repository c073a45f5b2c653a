// crowd HOST:PORT CAPTURE [COUNT SEED [FILE...]]
//
// Makes COUNT connections (1000), up to 32 at once, and writes what they send as a capture. So a test can
// compare the verdicts of `portsplit explain --pcap CAPTURE` with those of the daemon.
//
// Each client sends random first bytes in up to three segments, then EOF, and reads to the end. The bytes
// are those of a FILE (hex, `#` begins a comment), cut and with some bytes replaced, or all random. The
// same SEED (1) gives the same bytes.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.h"

namespace {

using portsplit::sys::UniqueFd;

constexpr std::size_t kAtOnce = 32;
constexpr int kLimitMs = 20000;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

// --- the bytes ------------------------------------------------------------------------------------

std::string read_hex(const char* path) {
    std::ifstream file(path);
    std::string bytes;
    for (std::string line; std::getline(file, line);) {
        std::string digits;
        for (const char c : line.substr(0, line.find('#'))) {
            if (c != ' ' && c != '\t' && c != '\r') digits += c;
        }
        for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
            bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
        }
    }
    return bytes;
}

/// Makes first bytes from the seed.
class ByteSource {
  public:
    ByteSource(unsigned seed, std::vector<std::string> known)
        : random_(seed), known_(std::move(known)) {}

    std::size_t below(std::size_t limit) { return random_() % limit; }

    std::string bytes() {
        if (known_.empty() || below(4) == 0) return noise(below(40));
        std::string bytes = known_[below(known_.size())];
        if (below(2) == 0) bytes.resize(below(bytes.size() + 1));
        for (std::size_t i = below(3); i > 0 && !bytes.empty(); --i) {
            // Early bytes decide most, so they are replaced most often.
            bytes[below(1 + below(bytes.size()))] = static_cast<char>(below(256));
        }
        return bytes;
    }

  private:
    std::string noise(std::size_t size) {
        constexpr std::string_view kLikely("\x00\x01\x03\x16 GETPOS/HS-2.0\r\n", 20);
        std::string bytes;
        while (bytes.size() < size) {
            bytes += below(2) == 0 ? kLikely[below(kLikely.size())] : static_cast<char>(below(256));
        }
        return bytes;
    }

    std::mt19937 random_;
    std::vector<std::string> known_;
};

// --- the capture ----------------------------------------------------------------------------------

/// Writes packets as raw IPv4 (RFC 791, RFC 9293), without checksums.
class CaptureWriter {
  public:
    explicit CaptureWriter(const char* path)
        : pcap_(pcap_open_dead(DLT_RAW, 65535), &pcap_close),
          file_(pcap_dump_open(pcap_.get(), path), &pcap_dump_close) {
        if (file_ == nullptr) fail(pcap_geterr(pcap_.get()));
    }

    void stream(const sockaddr_in& from, const sockaddr_in& to,
                const std::vector<std::string>& segments) {
        // Differs from earlier streams of the same ports, which would be the same stream otherwise.
        std::uint32_t sequence = first_ += 1'000'003;
        segment(from, to, sequence++, TH_SYN, "");
        for (const std::string& bytes : segments) {
            segment(from, to, sequence, TH_ACK | TH_PUSH, bytes);
            sequence += static_cast<std::uint32_t>(bytes.size());
        }
        segment(from, to, sequence, TH_ACK | TH_FIN, "");
    }

  private:
    void segment(const sockaddr_in& from, const sockaddr_in& to, std::uint32_t sequence, int flags,
                 const std::string& payload) {
        packet_.clear();
        number(0x4500, 2);
        number(static_cast<std::uint32_t>(40 + payload.size()), 2);
        number(0, 4);
        number(0x4006, 2);
        number(0, 2);
        number(ntohl(from.sin_addr.s_addr), 4);
        number(ntohl(to.sin_addr.s_addr), 4);
        number(ntohs(from.sin_port), 2);
        number(ntohs(to.sin_port), 2);
        number(sequence, 4);
        number(0, 4);
        number(0x5000U | static_cast<std::uint32_t>(flags), 2);
        number(0xFFFF, 2);
        number(0, 4);
        packet_ += payload;
        const auto size = static_cast<bpf_u_int32>(packet_.size());
        const pcap_pkthdr header{.ts = {}, .caplen = size, .len = size};
        pcap_dump(reinterpret_cast<u_char*>(file_.get()), &header,
                  reinterpret_cast<const u_char*>(packet_.data()));
    }
    void number(std::uint32_t value, int size) {
        while (size-- > 0) packet_ += static_cast<char>(value >> 8 * size & 0xFF);
    }

    std::unique_ptr<pcap_t, decltype(&pcap_close)> pcap_;
    std::unique_ptr<pcap_dumper_t, decltype(&pcap_dump_close)> file_;
    std::uint32_t first_ = 0;
    std::string packet_;
};

// --- the clients ----------------------------------------------------------------------------------

/// Connects, sends its bytes and EOF, and adds them to the capture.
UniqueFd client(const sockaddr_in& server, ByteSource& source, CaptureWriter& capture) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
        fail("cannot connect");
    }
    sockaddr_in own{};
    socklen_t size = sizeof own;
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size);

    const std::string bytes = source.bytes();
    std::vector<std::string> segments;
    for (std::size_t at = 0; at < bytes.size();) {
        const bool is_last = segments.size() == 2;
        const std::size_t length =
            is_last ? bytes.size() - at : 1 + source.below(bytes.size() - at);
        segments.push_back(bytes.substr(at, length));
        at += length;
    }
    for (const std::string& segment : segments) {
        // A server that has decided may have closed already; then these bytes are lost.
        (void)::send(fd.get(), segment.data(), segment.size(), MSG_NOSIGNAL);
    }
    ::shutdown(fd.get(), SHUT_WR);
    capture.stream(own, server, segments);
    return fd;
}

void read_to_end(const UniqueFd& fd) {
    std::array<char, 4096> buffer;
    while (true) {
        pollfd entry{.fd = fd.get(), .events = POLLIN, .revents = 0};
        if (::poll(&entry, 1, kLimitMs) != 1) fail("no end of a connection");
        if (::recv(fd.get(), buffer.data(), buffer.size(), 0) <= 0) return;
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
    if (arguments.size() < 3) fail("crowd HOST:PORT CAPTURE [COUNT SEED [FILE...]]");
    const std::string address = arguments[1];
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
    const std::size_t count = arguments.size() > 3 ? std::stoul(arguments[3]) : 1000;
    const unsigned seed =
        arguments.size() > 4 ? static_cast<unsigned>(std::stoul(arguments[4])) : 1;
    std::vector<std::string> known;
    for (std::size_t i = 5; i < arguments.size(); ++i) known.push_back(read_hex(arguments[i]));

    ByteSource source(seed, std::move(known));
    CaptureWriter capture(arguments[2]);
    std::array<UniqueFd, kAtOnce> clients;
    for (std::size_t i = 0; i < count + kAtOnce; ++i) {
        UniqueFd& slot = clients[i % kAtOnce];
        if (slot) read_to_end(slot);
        slot = i < count ? client(server, source, capture) : UniqueFd();
    }
    return 0;
}
